import { html } from "../vendor/toolkit.js";
import { absolute, ago, clockTime, counted, day } from "../core/format.js";
import { Cross, Shape } from "../ui/mark.js";
import { summary } from "./summary.js";

/**
 * @import { Dashboard } from "../dashboard.js"
 * @import { Gap, TelemetryEvent } from "../client.js"
 * @import { Tone } from "../ui/mark.js"
 * @import { Row } from "./rows.js"
 */

/** @type {[number, string, Tone][]} */
const SEVERITIES = [
  [21, "fatal", "bad"],
  [17, "error", "bad"],
  [13, "warn", "warn"],
  [9, "info", "idle"],
  [5, "debug", "idle"],
  [1, "trace", "idle"],
];
/** Types of one family share a colour on every page. @type {[RegExp, string][]} */
const FAMILIES = [
  [/^(?:http|websocket)\./, "series-1"],
  [/^(?:span$|trace\.|job\.|export\.)/, "series-4"],
  [/^(?:alert|health)\./, "warn"],
  [/^(?:log$|telemetry\.|plugin\.|metrics\.|audit\.|deploy$)/, "plain"],
];
const NEW_MS = 1500;

/** @param {TelemetryEvent} event @returns {{ word: string, tone: Tone }} */
export function severityOf(event) {
  const number = event.severitynumber ?? 9;
  const [, word, tone] = SEVERITIES.find(([least]) => number >= least) ?? SEVERITIES[3];
  return { word: event.severitytext?.toLowerCase() ?? word, tone };
}

/** @param {string} type */
export function familyOf(type) {
  return FAMILIES.find(([pattern]) => pattern.test(type))?.[1] ?? "series-2";
}

/** @param {{ event: TelemetryEvent }} props */
export function Severity({ event }) {
  const { word, tone } = severityOf(event);
  return html`<span class=${`mark severity ${tone}`}><${Shape} tone=${tone} /><span>${word}</span></span>`;
}

/** @param {{ event: TelemetryEvent }} props */
export function Summary({ event }) {
  return summary(event).map(
    ({ text, label, tone = "", mark }, index) => html`
      ${index > 0 && html`<span class="between"> · </span>`}
      <span class=${tone}>
        ${mark && html`<${Cross} />`}${label && html`<span class="quiet">${label} </span>`}${text}
      </span>
    `,
  );
}

/** @param {{ app: Dashboard, at: number }} props */
function Time({ app, at }) {
  const now = app.clock.now.value;
  const today = day(at) === day(now);
  const text = app.exact.value ? `${today ? "" : `${day(at)} `}${clockTime(at)}` : ago(at, now);
  return html`<time datetime=${new Date(at).toISOString()} title=${absolute(at)}>${text}</time>`;
}

/** @type {Record<string, string>} */
const REASONS = {
  overrun: "This page was slower than the events",
  pruned: "What happened while the page was away is partly no longer stored",
  unknown: "The server does not know where this page stopped",
};

/** @param {Gap} gap */
function gapWords({ lost, reason = "" }) {
  const why = REASONS[reason] ?? `The stream was interrupted${reason && `: ${reason}`}`;
  if (lost === 0) return `${why}. The stream goes on from the stored events; none is lost.`;
  const what = typeof lost === "number" ? counted(lost, "event") : "Some events";
  return `${why}. ${what} did not come over the stream; what is stored can be found by scrolling.`;
}

/** With all tenants on show there is a column that says whose. @param {Dashboard} app */
export function columns(app) {
  return app.query.value.tenant === "*" ? 5 : 4;
}

/** @param {{ app: Dashboard, row: Row, index: number }} props */
export function GapLine({ app, row, index }) {
  return html`
    <tr class="gap" aria-rowindex=${index + 2}>
      <td colspan=${columns(app)}><${Shape} tone="warn" /> ${gapWords(row.gap ?? {})}</td>
    </tr>
  `;
}

/** @param {{ app: Dashboard, row: Row, event: TelemetryEvent, index: number, active: boolean, open: boolean }} props */
export function EventLine({ app, row, event, index, active, open }) {
  const fresh = row.arrived > 0 && performance.now() - row.arrived < NEW_MS;
  const classes = ["event", active && "active", open && "open", fresh && "fresh", `is-${severityOf(event).tone}`];
  return html`
    <tr id=${`row-${row.key}`} class=${classes.filter(Boolean).join(" ")}
      aria-rowindex=${index + 2} aria-selected=${open} onClick=${() => app.browse.open(row)}>
      <td class="time"><${Time} app=${app} at=${row.at} /></td>
      <td class="severity"><${Severity} event=${event} /></td>
      <td class=${`type ${familyOf(event.type)}`} title=${event.type}>${event.type}</td>
      <td class="summary"><${Summary} event=${event} /></td>
      ${app.query.value.tenant === "*" && html`<td class="tenant muted">${event.tenantid}</td>`}
    </tr>
  `;
}
