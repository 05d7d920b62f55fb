import { batch, computed, signal } from "../vendor/toolkit.js";
import { Problem } from "../core/api.js";
import { Batcher } from "./batcher.js";
import { History } from "./history.js";
import { Meter } from "./meter.js";
import { compareSequences, eventRow, gapRow } from "./rows.js";
import { SharedStream } from "./share.js";
import { KEEP, Shelf } from "./shelf.js";

/**
 * @import { Api } from "../core/api.js"
 * @import { TelemetryEvent } from "../client.js"
 * @import { Signal } from "../vendor/toolkit.js"
 * @import { Page, Query } from "./history.js"
 * @import { Row } from "./rows.js"
 * @import { Hold } from "./shelf.js"
 * @import { Link, Message, Open } from "./share.js"
 */

const POLL_MS = 2000;
/** Events per second up to which the eye can follow single ones. */
const CALM = 5;
/** An event that a running request may have counted or not: the count is asked for again once things are quiet. */
const QUIET_MS = 2000;
/** Retention and a moving range change the count without an event. */
const RECOUNT_MS = 60_000;
const INVALID = [400, 413, 422];
/** @type {Record<string, number>} */
const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** @param {string} range "15m", "7d"; empty means for ever */
function rangeMs(range) {
  return range ? Number.parseInt(range, 10) * UNIT_MS[range.slice(-1)] : Number.POSITIVE_INFINITY;
}

/** The events of one query: what is stored, and what happens from now on. */
export class Feed {
  #history;
  #range;
  #stream;
  #batcher = new Batcher((/** @type {Row[]} */ rows, count) => this.#arrive(rows, count), KEEP);
  #meter = new Meter(Date.now());
  /** Events behind this cursor are news; those up to it are a replay. */ #head = "";
  #guessed = false;
  #uncertain = false;
  #refreshing = false;
  #closed = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #quiet;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #poll;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #recount;

  /** @param {{ api: Api, open: Open, query: Query, hold: Hold }} parts */
  constructor({ api, open, query, hold }) {
    this.query = query;
    this.shelf = new Shelf(hold);
    this.#range = rangeMs(query.range);
    this.#history = new History(api, query);
    const name = `telemetrykit ${location.pathname} ${query.tenant} ${query.q}`;
    this.#stream = new SharedStream(name, open, (message) => this.#hear(message));
    /** Matching events; null when there are too many to count. @type {Signal<number | null>} */
    this.total = signal(null);
    /** @type {Signal<"loading" | "ready" | "failed">} */
    this.phase = signal("loading");
    /** @type {Signal<Problem | null>} */
    this.problem = signal(null);
    this.loadingMore = signal(false);
    /** @type {Signal<Link>} */
    this.link = signal({ state: "connecting", problem: null });
    /** Since when the stream is broken, ms since the epoch; 0 while it is not. */
    this.brokenAt = signal(0);
    this.empty = computed(() => this.phase.value === "ready" && this.shelf.rows.value.length === 0);
  }

  async start() {
    await this.refresh();
    if (this.#closed || this.problem.peek()?.invalid) return;
    this.#stream.start();
    this.#recount = setInterval(() => this.#drift(), RECOUNT_MS);
  }

  close() {
    this.#closed = true;
    this.#stream.close();
    this.#history.close();
    this.#batcher.clear();
    clearTimeout(this.#quiet);
    clearInterval(this.#poll);
    clearInterval(this.#recount);
  }

  /** Events per second. @param {number} now ms since the epoch */
  rate(now) {
    return this.#meter.rate(now);
  }

  /** Events in each of the last seconds that are known, oldest first. @param {number} now ms since the epoch */
  pulse(now) {
    return this.#meter.seconds(now);
  }

  /** Asks for the newest page and the count, and takes in what is not here yet. */
  async refresh() {
    if (this.#refreshing) return this.#doubt();
    this.#refreshing = true;
    this.#guessed = this.#uncertain = false;
    await this.#ask(this.#history.newest(), (page) => this.#absorb(page));
    this.#refreshing = false;
  }

  /** Loads the page behind the last row. */
  async older() {
    const last = this.shelf.rows.peek().at(-1);
    if (this.loadingMore.peek() || !this.shelf.more.peek() || !last) return;
    this.loadingMore.value = true;
    await this.#ask(this.#history.behind(last), (page) => this.shelf.append(page.rows, page.more));
    this.loadingMore.value = false;
  }

  /** @param {Promise<Page>} answer @param {(page: Page) => void} take */
  async #ask(answer, take) {
    try {
      const page = await answer;
      if (this.#closed) return;
      batch(() => {
        this.problem.value = null;
        take(page);
      });
    } catch (error) {
      if (!this.#closed) this.#fail(error);
    }
  }

  /** @param {Message} message */
  #hear({ events, connected, gap, link }) {
    if (this.#closed) return;
    if (link) this.#linked(link);
    if (connected) this.#head = connected.cursor;
    if (gap) this.#batcher.add([gapRow(gap, Date.now())]);
    if (connected || gap) this.refresh();
    if (events) this.#live(events);
  }

  /** @param {TelemetryEvent[]} events */
  #live(events) {
    const oldest = Date.now() - this.#range;
    const rows = events.map((event) => eventRow(event, performance.now())).filter((row) => row.at >= oldest);
    if (rows.length > 0) this.#batcher.add(rows);
  }

  /** @param {Link} link */
  #linked(link) {
    // A filter that can be asked for but not streamed, because it is too long for a ticket, is asked for.
    const unfit = link.state === "refused" && INVALID.includes(link.problem?.status ?? 0);
    if (unfit) link = { state: "unavailable", problem: link.problem };
    const broken = link.state === "reconnecting";
    batch(() => {
      this.link.value = link;
      this.brokenAt.value = broken ? this.brokenAt.peek() || Date.now() : 0;
    });
    clearInterval(this.#poll);
    if (link.state === "unavailable") this.#poll = setInterval(() => !document.hidden && this.refresh(), POLL_MS);
  }

  /** @param {Row[]} rows the newest of them @param {number} count of all */
  #arrive(rows, count) {
    const here = this.shelf.unknown(rows);
    if (this.#meter.rate(Date.now()) > CALM) here.forEach((row) => (row.arrived = 0));
    const added = here.filter((row) => row.event && compareSequences(row.sequence, this.#head) > 0).length;
    const news = added + count - rows.length;
    this.#meter.add(news, Date.now());
    this.#guessed ||= news > 0;
    if (this.#refreshing || this.#uncertain) this.#doubt();
    batch(() => {
      const total = this.total.peek();
      if (total !== null) this.total.value = total + news;
      this.shelf.add(here, news);
    });
  }

  /** @param {Page} page */
  #absorb({ rows, total, more }) {
    const first = this.phase.peek() !== "ready";
    this.phase.value = "ready";
    this.total.value = total;
    const here = this.shelf.unknown(rows);
    if (first || (more && here.length === rows.length)) this.shelf.restart(rows, more);
    else if (here.length > 0) this.shelf.add(here, here.length);
  }

  /** @param {unknown} error */
  #fail(error) {
    const problem = error instanceof Problem ? error : new Problem({ status: 0, title: String(error) });
    batch(() => {
      this.problem.value = problem;
      if (this.phase.peek() === "loading" || problem.invalid) this.phase.value = "failed";
    });
  }

  /** What is shown may not be what is stored: look again when things are quiet. */
  #doubt() {
    this.#uncertain = true;
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.refresh(), QUIET_MS);
  }

  #drift() {
    if (!document.hidden && (this.#guessed || this.query.range)) this.refresh();
  }
}
