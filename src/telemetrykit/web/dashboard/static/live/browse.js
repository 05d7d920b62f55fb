import { signal } from "../vendor/toolkit.js";

/**
 * @import { Route } from "../core/route.js"
 * @import { Feed } from "./feed.js"
 * @import { Row } from "./rows.js"
 * @import { Hold } from "./shelf.js"
 * @import { ReadonlySignal, Signal } from "../vendor/toolkit.js"
 */

/** Going through the rows by key or mouse. The row under the cursor is in `active`; the open one is in the address. */
export class Browse {
  #feed;
  #route;
  #hold;

  /** @param {ReadonlySignal<Feed>} feed @param {Route} route @param {Hold} hold */
  constructor(feed, route, hold) {
    this.#feed = feed;
    this.#route = route;
    this.#hold = hold;
    /** Key of the row under the cursor. @type {Signal<string>} */
    this.active = signal("");
    /** What scrolls the rows, while they are on the page. @type {HTMLElement | null} */
    this.scroller = null;
  }

  /** @param {Row} row */
  open(row) {
    this.#at(row);
    if (this.#opened()) this.#route.replace({ event: row.key });
    else this.#route.enter({ event: row.key });
  }

  /** Closes the event if one is open, else lets go of the row. */
  close() {
    if (this.#opened()) this.#route.leave("event");
    else this.#letGo();
  }

  /** Opens the row under the cursor. */
  enter() {
    const row = this.#rows().find(({ key }) => key === this.active.peek());
    if (row) this.open(row);
  }

  /** Moves the cursor; an open event changes with it. @param {1 | -1} by */
  move(by) {
    const rows = this.#rows();
    const opened = this.#opened();
    const from = rows.findIndex(({ key }) => key === (opened || this.active.peek()));
    const row = from < 0 ? rows[0] : rows[from + by];
    if (!row) return;
    if (opened) this.open(row);
    else this.#at(row);
  }

  /** Back to the newest, running. */
  resume() {
    this.#hold.paused.value = false;
    this.#letGo();
    this.top();
    this.#hold.scrolled.value = false;
    this.#feed.peek().shelf.release();
  }

  top() {
    this.scroller?.scrollTo({ top: 0 });
  }

  #rows() {
    return this.#feed.peek().shelf.rows.peek().filter((row) => row.event);
  }

  #opened() {
    return this.#route.place.peek().params.event ?? "";
  }

  /** @param {Row} row */
  #at(row) {
    this.active.value = row.key;
    this.#hold.reading.value = true;
  }

  #letGo() {
    this.active.value = "";
    this.#hold.reading.value = false;
  }
}
