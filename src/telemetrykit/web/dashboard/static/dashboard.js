import { effect, signal } from "./vendor/toolkit.js";
import { connect } from "./client.js";
import { Api } from "./core/api.js";
import { readBoot } from "./core/boot.js";
import { Clock } from "./core/clock.js";
import { memory } from "./core/memory.js";
import { link, Route } from "./core/route.js";
import { Session } from "./core/session.js";
import { Browse } from "./live/browse.js";
import { Feed } from "./live/feed.js";
import { Hold } from "./live/shelf.js";
import { withTerm } from "./live/terms.js";
import { Help } from "./ui/help.js";
import { Toast } from "./ui/toast.js";

/**
 * @import { Query } from "./live/history.js"
 * @import { Vocabulary } from "./live/suggest.js"
 * @import { Signal } from "./vendor/toolkit.js"
 */

/** Wide enough for the table and an event beside it. */
const BESIDE = "(min-width: 1200px)";

/** All that a view may use. */
export class Dashboard {
  #client;
  /** @type {Signal<Vocabulary["types"]>} */ #types = signal([]);

  /** @param {URL} mount */
  constructor(mount) {
    this.boot = readBoot();
    this.api = new Api(mount);
    this.clock = new Clock();
    this.help = new Help();
    this.hold = new Hold();
    this.route = new Route();
    this.session = new Session(this.api);
    this.toast = new Toast();
    /** Times as clock times instead of ages. */
    this.exact = signal(memory.get("time") !== "ago");
    this.#client = connect(mount);
    /** @type {Signal<Query>} What the live view shows; it keeps it while another view is open. */
    this.query = signal(this.#asked());
    this.feed = signal(this.#feedOf(this.query.peek()));
    this.browse = new Browse(this.feed, this.route, this.hold);
  }

  start() {
    this.route.start();
    this.clock.start();
    effect(() => this.#follow(this.#asked()));
    effect(() => {
      if (!this.hold.on.value) this.feed.peek().shelf.release();
    });
    // However an event was closed, reading is over.
    effect(() => {
      if (!this.route.place.value.params.event) this.hold.reading.value = false;
    });
    this.session.start();
    this.feed.peek().start();
    this.#learn();
  }

  /** Lets go of the stream. */
  stop() {
    this.feed.peek().close();
  }

  /** Shows what a filter finds. @param {string} q */
  filter(q) {
    if (q === this.query.peek().q) this.feed.peek().refresh();
    else this.route.push({ q, event: "" });
  }

  /** Adds a term to the filter; an open event stays open where there is room for both. @param {string} term */
  narrow(term) {
    const q = withTerm(this.query.peek().q, term);
    this.route.push(matchMedia(BESIDE).matches ? { q } : { q, event: "" });
  }

  /** Shows the events of a tenant; empty means one's own. @param {string} tenant */
  lookAt(tenant) {
    location.hash = link("live", { ...this.query.peek(), tenant });
  }

  focusFilter() {
    document.getElementById("filter")?.focus();
  }

  togglePause() {
    if (this.hold.on.peek()) this.browse.resume();
    else this.hold.paused.value = true;
  }

  toggleExact() {
    this.exact.value = !this.exact.value;
    memory.set("time", this.exact.value ? null : "ago");
  }

  /** The names that the filter box may offer. @returns {Vocabulary} */
  vocabulary() {
    const rows = this.feed.peek().shelf.rows.peek();
    const routes = rows.map((row) => row.event?.data?.["http.route"]).filter((route) => typeof route === "string");
    const seen = rows.flatMap((row) => (row.event ? [row.event.type] : []));
    const known = new Set(this.#types.peek().map(({ type }) => type));
    const types = [...new Set(seen)].filter((type) => !known.has(type)).map((type) => ({ type, count: null }));
    return { types: [...this.#types.peek(), ...types], routes: [...new Set(routes)].sort() };
  }

  /** @returns {Query} */
  #asked() {
    const { view, params } = this.route.place.value;
    if (view !== "live" && this.query) return this.query.peek();
    const { q = "", range = "", tenant = "" } = params;
    return { q, range, tenant };
  }

  /** @param {Query} query */
  #follow(query) {
    const now = this.query.peek();
    if (query.q === now.q && query.range === now.range && query.tenant === now.tenant) return;
    this.feed.peek().close();
    this.query.value = query;
    this.hold.reading.value = false;
    this.browse.active.value = "";
    this.feed.value = this.#feedOf(query);
    this.feed.peek().start();
  }

  /** @param {Query} query */
  #feedOf(query) {
    const filter = { q: query.q, tenant: query.tenant };
    const open = /** @type {import("./live/share.js").Open} */ ((handlers, start) =>
      this.#client.subscribe(filter, handlers, start));
    return new Feed({ api: this.api, open, query, hold: this.hold });
  }

  async #learn() {
    const answer = await this.api.get("event-types", { limit: 100 }).catch(() => ({ items: [] }));
    const items = Array.isArray(answer) ? answer : (answer.items ?? []);
    this.#types.value = items.map((/** @type {any} */ { type, count = null }) => ({ type, count }));
  }
}
