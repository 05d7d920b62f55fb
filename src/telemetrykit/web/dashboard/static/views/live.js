import { html } from "../vendor/toolkit.js";
import { Problem } from "../core/api.js";
import { ago, number } from "../core/format.js";
import { Detail } from "../live/detail.js";
import { FilterBox } from "../live/filterbox.js";
import { Pulse } from "../live/pulse.js";
import { EventTable } from "../live/table.js";
import { Icon, Shape } from "../ui/mark.js";
import { Notice, Skeleton, Trouble } from "../ui/states.js";

/**
 * @import { Dashboard } from "../dashboard.js"
 * @import { Feed } from "../live/feed.js"
 */

/** @type {[string, string, string][]} */
const RANGES = [
  ["15m", "15 m", "15 minutes"],
  ["1h", "1 h", "hour"],
  ["24h", "24 h", "24 hours"],
  ["7d", "7 d", "7 days"],
  ["", "All", ""],
];

/** A server that starts anew is back within this time. */
const GRACE_MS = 4000;
const SILENT = { status: 0, title: "The server does not answer." };

/** What happens now, and what happened. @param {{ app: Dashboard }} props */
export function LiveView({ app }) {
  const { event } = app.route.place.value.params;
  return html`
    <main class="live">
      <div class="top">
        <h1>Live</h1>
        <${FilterBox} app=${app} />
        <${Ranges} app=${app} />
      </div>
      <${Banner} app=${app} />
      <div class=${`panes${event ? " with-detail" : ""}`}>
        <section class="card events" aria-label="Events">
          <${Bar} app=${app} />
          <${Content} app=${app} />
        </section>
        ${event && html`<${Detail} app=${app} id=${event} />`}
      </div>
    </main>
  `;
}

/** Why the rows on show are no longer kept up to date, if so. @param {Feed} feed @param {number} now */
function trouble({ phase, problem, link, brokenAt }, now) {
  if (phase.value !== "ready") return null;
  const { state, problem: said } = link.value;
  if (problem.value) return problem.value.invalid ? null : problem.value;
  if (state === "unavailable" || (brokenAt.value && now - brokenAt.value < GRACE_MS)) return null;
  return said || brokenAt.value ? new Problem(said ?? SILENT) : null;
}

/** Says so when the rows on show are no longer kept up to date. @param {{ app: Dashboard }} props */
function Banner({ app }) {
  const now = app.clock.now.value;
  const wrong = trouble(app.feed.value, now);
  if (!wrong) return null;
  const refused = wrong.status === 401 || wrong.status === 403;
  const since = app.feed.value.brokenAt.value;
  const stale = since ? `What you see is ${ago(since, now)} old.` : "The rows below are what was known before.";
  return html`
    <p class="card banner">
      <${Shape} tone="warn" />
      <span class="grow"><span role="alert">${wrong.sentences[0]}</span> ${refused ? "" : stale}</span>
      ${refused && html`<a href=${`login${location.hash}`}>Sign in</a>`}
    </p>
  `;
}

/** @param {{ app: Dashboard }} props */
function Ranges({ app }) {
  const chosen = app.query.value.range;
  const choose = (/** @type {string} */ range) => app.route.push({ range, event: "" });
  return html`
    <fieldset class="segments">
      <legend class="offscreen">How far back</legend>
      ${RANGES.map(
        ([value, label, words]) => html`
          <label key=${label} title=${words ? `The last ${words}` : "Everything that is stored"}>
            <input type="radio" name="range" value=${value} checked=${value === chosen}
              onChange=${() => choose(value)} />
            <span>${label}</span>
          </label>
        `,
      )}
    </fieldset>
  `;
}

/** How many there are, and whether they run. @param {{ app: Dashboard }} props */
function Bar({ app }) {
  const feed = app.feed.value;
  const total = feed.total.value;
  const ready = feed.phase.value === "ready";
  return html`
    <div class="bar-line">
      <p class="count">${ready && html`<${Count} app=${app} total=${total} />`}</p>
      <${Pulse} app=${app} />
      <${Fresh} app=${app} />
      ${ready && html`<${PauseButton} app=${app} />`}
    </div>
  `;
}

/** @param {{ app: Dashboard, total: number | null }} props */
function Count({ app, total }) {
  const { q, range } = app.query.value;
  const words = RANGES.find(([value]) => value === range)?.[2];
  const { length: loaded } = app.feed.value.shelf.rows.value;
  const title = total === null ? "Too many to count, or it would take too long" : undefined;
  return html`
    <strong id="event-count" title=${title}>${total === null ? `${number(loaded)}+` : number(total)}</strong>
    ${" "}${total === 1 ? "event" : "events"}
    <span class="muted">${q && " that match"}${words && ` in the last ${words}`}</span>
  `;
}

/** @param {{ app: Dashboard }} props */
function Fresh({ app }) {
  const fresh = app.feed.value.shelf.fresh.value;
  if (fresh === 0) return null;
  return html`
    <button type="button" class="fresh-button" onClick=${() => app.browse.resume()}>
      <${Icon} name="up" />${number(fresh)} new
    </button>
  `;
}

/** @param {{ app: Dashboard }} props */
function PauseButton({ app }) {
  const { hold, browse } = app;
  const held = hold.on.value;
  const pause = () => {
    hold.paused.value = true;
  };
  const title = held ? "Back to the newest, running (p)" : "Let the table stand still (p)";
  return html`
    <button type="button" class="button pause" title=${title} onClick=${held ? () => browse.resume() : pause}>
      <${Icon} name=${held ? "play" : "pause"} />${held ? "Resume" : "Pause"}
    </button>
  `;
}

/** @param {{ app: Dashboard }} props */
function Content({ app }) {
  const feed = app.feed.value;
  const problem = feed.problem.value;
  if (feed.phase.value === "loading") return html`<${Skeleton} />`;
  if (feed.phase.value === "failed" && problem) {
    const retry = () => feed.refresh();
    return problem.invalid ? html`<${Misread} app=${app} />` : html`<${Trouble} problem=${problem} retry=${retry} />`;
  }
  return feed.empty.value ? html`<${Empty} app=${app} />` : html`<${EventTable} app=${app} />`;
}

/** @param {{ app: Dashboard }} props */
function Misread({ app }) {
  return html`
    <${Notice} title="This filter cannot be read">
      <p>The words under the filter say why.</p>
      <div class="notice-actions">
        <${Action} label="Clear the filter" act=${() => app.filter("")} />
        <${Action} label="Show examples" act=${() => app.help.show()} />
      </div>
    <//>
  `;
}

/** @param {{ label: string, act: () => void }} props */
function Action({ label, act }) {
  return html`<button type="button" class="button" onClick=${act}>${label}</button>`;
}

/** @param {{ app: Dashboard }} props */
function Empty({ app }) {
  const { q, range } = app.query.value;
  if (!q && !range)
    return html`
      <${Notice} title="No events yet">
        <p>
          Send a request to your app, or call <code>telemetry.emit("order.paid", amount=12.5)</code>.
          ${" "}It appears here at once.
        </p>
      <//>
    `;
  return html`
    <${Notice} title="Nothing matches">
      <p>New events that match appear here at once.</p>
      <div class="notice-actions">
        ${range && html`<${Action} label="Look at all times" act=${() => app.route.push({ range: "" })} />`}
        ${q && html`<${Action} label="Clear the filter" act=${() => app.filter("")} />`}
      </div>
    <//>
  `;
}
