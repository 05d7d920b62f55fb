import { eventRow, newestFirst } from "./rows.js";

/**
 * @import { Api } from "../core/api.js"
 * @import { Row } from "./rows.js"
 *
 * What the table shows: a filter, how far back ("15m", "1h", ...; empty for everything), and whose.
 * @typedef {{ q: string, range: string, tenant: string }} Query
 *
 * @typedef {{ rows: Row[], total: number | null, more: boolean }} Page
 */

const PAGE = 50;

/** The next whole millisecond as text, because the wire has microseconds and Date has not. @param {number} at */
const justAfter = (at) => new Date(at + 1).toISOString();

/** Pages of stored events, newest first. */
export class History {
  #api;
  #query;
  /**
   * The server's token for what comes behind a row, by the key of the row that ended a page.
   *
   * @type {Map<string, string>}
   */
  #tokens = new Map();
  #abort = new AbortController();

  /** @param {Api} api @param {Query} query */
  constructor(api, query) {
    this.#api = api;
    this.#query = query;
  }

  close() {
    this.#abort.abort();
  }

  newest() {
    return this.#page({});
  }

  /**
   * The page behind a row. Where no page ended, the time finds the place again; what is repeated there has keys that
   * are known, and as many events may share a time as there are pages.
   *
   * @param {Row} row
   */
  async behind(row) {
    const token = this.#tokens.get(row.key);
    let page = await this.#page(token ? { cursor: token } : { until: justAfter(row.at) });
    while (page.more && !page.rows.some((other) => newestFirst(other, row) > 0)) page = await this.#next(page);
    return page;
  }

  /** @param {Page} page */
  #next(page) {
    return this.#page({ cursor: this.#tokens.get(page.rows.at(-1)?.key ?? "") });
  }

  /** @param {{ cursor?: string, until?: string }} place @returns {Promise<Page>} */
  async #page(place) {
    const { q, range, tenant } = this.#query;
    const params = { q, tenant, since: range && `-${range}`, limit: PAGE, ...place };
    const { items, pagination } = await this.#api.get("events", params, this.#abort.signal);
    const rows = /** @type {Row[]} */ (items.map((/** @type {any} */ event) => eventRow(event)));
    const last = rows.at(-1);
    if (last && pagination.next_cursor) this.#tokens.set(last.key, pagination.next_cursor);
    return { rows, total: pagination.total, more: pagination.has_more && rows.length > 0 };
  }
}
