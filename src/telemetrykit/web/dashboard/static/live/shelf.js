import { batch, computed, signal } from "../vendor/toolkit.js";
import { merge, unknown } from "./rows.js";

/**
 * @import { Signal } from "../vendor/toolkit.js"
 * @import { Row } from "./rows.js"
 */

/** Rows kept while the table runs; reading back further loads as many as one scrolls. */
export const KEEP = 500;

/** Why the table stands still; the three are independent. */
export class Hold {
  constructor() {
    this.paused = signal(false);
    this.scrolled = signal(false);
    this.reading = signal(false);
    this.on = computed(() => this.paused.value || this.scrolled.value || this.reading.value);
  }
}

/** The rows on show, and those that wait until the reader lets the table run again. */
export class Shelf {
  /** @type {Row[]} */ #waiting = [];
  /** Between the waiting rows and those on show some are missing. */ #torn = false;
  #hold;

  /** @param {Hold} hold */
  constructor(hold) {
    this.#hold = hold;
    /** @type {Signal<Row[]>} */
    this.rows = signal([]);
    /** How many came while the table stood still. @type {Signal<number>} */
    this.fresh = signal(0);
    /** Whether something is stored behind the last row. */
    this.more = signal(false);
  }

  /** Those that are neither on show nor waiting. @param {Row[]} rows */
  unknown(rows) {
    return unknown(this.#waiting, unknown(this.rows.peek(), rows));
  }

  /**
   * Takes rows from the live end.
   *
   * @param {Row[]} rows all unknown
   * @param {number} count of which these are the newest
   */
  add(rows, count) {
    if (!this.#hold.on.peek()) return this.#run(merge(this.rows.peek(), this.#reachable(rows)));
    const waiting = merge(this.#waiting, rows);
    this.#torn ||= waiting.length > KEEP;
    this.#waiting = waiting.slice(0, KEEP);
    this.fresh.value += count;
  }

  /** Takes a page from the stored end. @param {Row[]} rows @param {boolean} more */
  append(rows, more) {
    const shown = this.rows.peek();
    this.rows.value = merge(shown, unknown(shown, rows));
    this.more.value = more;
  }

  /**
   * Takes the newest page instead of rows that it has nothing in common with.
   *
   * @param {Row[]} rows
   * @param {boolean} more
   */
  restart(rows, more) {
    if (this.#hold.on.peek() && this.rows.peek().length > 0) {
      this.#waiting = rows;
      this.#torn = true;
      this.fresh.value += rows.length;
    } else {
      this.rows.value = rows;
      this.more.value = more;
    }
  }

  /** Shows what waited; the table is then as short again as when it runs. */
  release() {
    const rows = this.#torn ? this.#waiting : merge(this.rows.peek(), this.#reachable(this.#waiting));
    batch(() => {
      if (this.#torn) this.more.value = true;
      this.#run(rows);
      this.fresh.value = 0;
    });
    this.#waiting = [];
    this.#torn = false;
  }

  /** @param {Row[]} rows */
  #run(rows) {
    this.rows.value = rows.slice(0, KEEP);
    if (rows.length > KEEP) this.more.value = true;
  }

  /** Without rows older than the last on show: they are found by scrolling there. @param {Row[]} rows */
  #reachable(rows) {
    const last = this.rows.peek().at(-1);
    return last && this.more.peek() ? rows.filter((row) => row.at >= last.at) : rows;
  }
}
