import { html, useEffect, useLayoutEffect, useMemo, useRef } from "../vendor/toolkit.js";
import { day } from "../core/format.js";
import { columns, EventLine, GapLine } from "./row.js";
import { Window } from "./window.js";

/**
 * @import { Dashboard } from "../dashboard.js"
 * @import { Feed } from "./feed.js"
 * @import { Row } from "./rows.js"
 */

/** Rows left below the last in sight when the next page is fetched. */
const AHEAD = 25;
/** Scrolled further than this the reader is reading. */
const TOP_PX = 4;
const HEAD_PX = 32;

/** The rows, of which only those in sight are in the document. @param {{ app: Dashboard }} props */
export function EventTable({ app }) {
  const feed = app.feed.value;
  const scroller = useRef(/** @type {HTMLDivElement | null} */ (null));
  const view = useMemo(() => new Window(), []);
  useEffect(() => attach(app, view, /** @type {HTMLDivElement} */ (scroller.current)), [app]);
  useReveal(app, view);
  const rows = feed.shelf.rows.value;
  const { from, to } = view.range(rows.length);
  useEffect(() => {
    if (to > rows.length - AHEAD && feed.problem.peek() === null) feed.older();
  }, [feed, to, rows.length]);
  const active = app.browse.active.value;
  return html`
    <div class="scroller" ref=${scroller} onScroll=${() => scrolled(app, view)}>
      <table class=${timeColumn(app, rows)} role="grid" tabindex="0" aria-label="Events, newest first"
        aria-rowcount=${feed.shelf.more.value ? -1 : rows.length + 1}
        aria-activedescendant=${active ? `row-${active}` : undefined}>
        <${Head} app=${app} />
        <tbody>
          <${Space} app=${app} rows=${from} height=${view.rowHeight.value} key="above" />
          <${Lines} app=${app} from=${from} to=${to} />
          <${Space} app=${app} rows=${rows.length - to} height=${view.rowHeight.value} key="below" />
        </tbody>
      </table>
      <${End} feed=${feed} />
    </div>
  `;
}

/** How wide times are: with a date as soon as one needs it. @param {Dashboard} app @param {Row[]} rows */
function timeColumn(app, rows) {
  if (!app.exact.value) return "";
  const oldest = rows.at(-1)?.at ?? 0;
  return day(oldest) === day(app.clock.now.value) ? "exact" : "exact dated";
}

/** @param {Dashboard} app @param {Window} view @param {HTMLDivElement} element */
function attach(app, view, element) {
  const stop = view.follow(element);
  app.browse.scroller = element;
  return () => {
    stop();
    app.browse.scroller = null;
    app.hold.scrolled.value = false;
  };
}

/** @param {Dashboard} app @param {Window} view */
function scrolled(app, view) {
  const top = app.browse.scroller?.scrollTop ?? 0;
  view.top.value = top;
  app.hold.scrolled.value = top > TOP_PX;
}

/** Keeps the row under the cursor in sight. @param {Dashboard} app @param {Window} view */
function useReveal(app, view) {
  const active = app.browse.active.value;
  useLayoutEffect(() => {
    const index = app.feed.peek().shelf.rows.peek().findIndex(({ key }) => key === active);
    if (index >= 0) app.browse.scroller?.scrollTo({ top: view.reveal(index, HEAD_PX) });
  }, [active]);
}

/** @param {{ app: Dashboard }} props */
function Head({ app }) {
  const exact = app.exact.value;
  const label = exact ? "Show how long ago" : "Show the time of day";
  return html`
    <thead>
      <tr aria-rowindex="1">
        <th class="time" scope="col">
          <button type="button" class="head-button" title=${label} onClick=${() => app.toggleExact()}>Time</button>
        </th>
        <th class="severity" scope="col">Severity</th>
        <th class="type" scope="col">Type</th>
        <th class="summary" scope="col">Summary</th>
        ${app.query.value.tenant === "*" && html`<th class="tenant" scope="col">Tenant</th>`}
      </tr>
    </thead>
  `;
}

/** @param {{ app: Dashboard, from: number, to: number }} props */
function Lines({ app, from, to }) {
  const active = app.browse.active.value;
  const { event: opened } = app.route.place.value.params;
  return app.feed.value.shelf.rows.value.slice(from, to).map((row, offset) => {
    const index = from + offset;
    if (!row.event) return html`<${GapLine} key=${row.key} app=${app} row=${row} index=${index} />`;
    return html`
      <${EventLine} key=${row.key} app=${app} row=${row} event=${row.event} index=${index}
        active=${row.key === active} open=${row.key === opened} />
    `;
  });
}

/** Stands for rows out of sight. @param {{ app: Dashboard, rows: number, height: number }} props */
function Space({ app, rows, height }) {
  if (rows <= 0) return null;
  const style = { height: `${rows * height}px` };
  return html`<tr class="space" aria-hidden="true"><td colspan=${columns(app)} style=${style}></td></tr>`;
}

/** @param {{ feed: Feed }} props */
function End({ feed }) {
  const { problem, loadingMore } = feed;
  if (loadingMore.value) return html`<p class="end" role="status">Loading older events…</p>`;
  if (problem.value)
    return html`
      <p class="end">
        ${problem.value.sentences[0]}${" "}
        <button type="button" class="text-button" onClick=${() => feed.older()}>Try again</button>
      </p>
    `;
  return feed.shelf.more.value ? null : html`<p class="end">That is all that is stored here.</p>`;
}
