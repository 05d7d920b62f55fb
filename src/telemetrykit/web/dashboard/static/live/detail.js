import { html, useEffect, useRef, useSignal } from "../vendor/toolkit.js";
import { Problem } from "../core/api.js";
import { absolute, ago } from "../core/format.js";
import { link } from "../core/route.js";
import { copy } from "../core/copy.js";
import { Icon } from "../ui/mark.js";
import { Skeleton, Trouble } from "../ui/states.js";
import { familyOf, Severity, severityOf, Summary } from "./row.js";
import { literal, traceOf } from "./terms.js";
import { NarrowButton, Tree } from "./tree.js";

/**
 * @import { Dashboard } from "../dashboard.js"
 * @import { TelemetryEvent } from "../client.js"
 *
 * `term` finds events with the same value.
 * @typedef {{ name: string, value: string, term?: string }} Attribute
 */

/** Attributes that are shown in a way of their own, or say nothing about this event. */
const SPOKEN = new Set(
  "id type subject source time traceparent severitytext severitynumber data specversion datacontenttype".split(" "),
);

/** An event beside the table. It is no dialog: the table stays in use. @param {{ app: Dashboard, id: string }} props */
export function Detail({ app, id }) {
  const { event, problem } = useEvent(app, id);
  return html`
    <aside class="detail card" aria-label="Event">
      <${Bar} app=${app} event=${event} />
      ${event && html`<${Body} app=${app} event=${event} key=${id} />`}
      ${!event && (problem ? html`<${Trouble} problem=${problem} />` : html`<${Skeleton} lines=${8} />`)}
    </aside>
  `;
}

/**
 * The event from the table, or asked for where a link leads to one that is not in it.
 *
 * @param {Dashboard} app
 * @param {string} id
 */
function useEvent(app, id) {
  const row = app.feed.value.shelf.rows.value.find(({ key }) => key === id);
  const fetched = useSignal(/** @type {TelemetryEvent | null} */ (null));
  const last = useRef(/** @type {TelemetryEvent | null} */ (null));
  if (row) last.current = row.event;
  const problem = useSignal(/** @type {Problem | null} */ (null));
  const event = [last.current, fetched.value].find((known) => known?.sequence === id) ?? row?.event ?? null;
  const here = event !== null;
  useEffect(() => {
    if (here) return;
    problem.value = null;
    app.api.get(`events/${encodeURIComponent(id)}`, { tenant: app.query.peek().tenant }).then(
      (event) => (fetched.value = event),
      (error) => (problem.value = error instanceof Problem ? error : null),
    );
  }, [id, here]);
  return { event, problem: problem.value };
}

/** @param {{ app: Dashboard, event: TelemetryEvent | null }} props */
function Bar({ app, event }) {
  const { browse, toast } = app;
  const share = () => toast.during(copy(location.href), "Link copied");
  return html`
    <div class="detail-bar">
      <${Tool} icon="previous" label="Previous event (↑)" act=${() => browse.move(-1)} />
      <${Tool} icon="next" label="Next event (↓)" act=${() => browse.move(1)} />
      <span class="grow"></span>
      ${event && html`<${Tool} icon="link" label="Copy a link to this event" act=${share} />`}
      <${Tool} icon="close" label="Close (Esc)" act=${() => browse.close()} />
    </div>
  `;
}

/** @param {{ icon: string, label: string, act: () => void }} props */
function Tool({ icon, label, act }) {
  return html`
    <button type="button" class="icon-button" title=${label} aria-label=${label} onClick=${act}>
      <${Icon} name=${icon} />
    </button>
  `;
}

/** @param {{ app: Dashboard, event: TelemetryEvent }} props */
function Body({ app, event }) {
  const at = Date.parse(event.time);
  const trace = traceOf(event.traceparent);
  const narrow = (/** @type {string} */ term) => app.narrow(term);
  const copyAll = () => app.toast.during(copy(JSON.stringify(event, null, 2)), "Event copied");
  const data = event.data ?? {};
  return html`
    <div class="detail-body">
      <div class="detail-head">
        <h2 class=${`detail-type ${familyOf(event.type)}`}>${event.type}</h2>
        <${Severity} event=${event} />
      </div>
      <p class="detail-summary"><${Summary} event=${event} /></p>
      <p class="detail-when"><time datetime=${event.time}>${absolute(at)}</time><${Age} app=${app} at=${at} /></p>
      <div class="detail-actions">
        ${trace && html`<${TraceLink} trace=${trace.trace} />`}
        <button type="button" class="button" onClick=${copyAll}><${Icon} name="copy" />Copy JSON</button>
      </div>
      <section>
        <h3>Data</h3>
        ${Object.keys(data).length === 0 && html`<p class="muted">This event carries no data.</p>`}
        <${Tree} value=${data} narrow=${narrow} />
      </section>
      <section>
        <h3>Event</h3>
        <dl class="attributes">
          ${attributes(event).map((one) => html`<${Line} key=${one.name} attribute=${one} narrow=${narrow} />`)}
        </dl>
      </section>
    </div>
  `;
}

/** @param {{ trace: string }} props */
function TraceLink({ trace }) {
  return html`
    <a class="button" href=${link("live", { q: `trace:${trace}` })}><${Icon} name="trace" />Show this trace</a>
  `;
}

/** @param {{ app: Dashboard, at: number }} props */
function Age({ app, at }) {
  const words = ago(at, app.clock.now.value);
  const sentence = /^(?:now|in |\d{4}-)/.test(words) ? words : `${words} ago`;
  return html`<span class="muted">${sentence}</span>`;
}

/** @param {{ attribute: Attribute, narrow: (term: string) => void }} props */
function Line({ attribute: { name, value, term }, narrow }) {
  return html`
    <div class="leaf">
      <dt class="key">${name}</dt>
      <dd>
        <span class="value string">${value}</span>
        ${term && html`<${NarrowButton} term=${term} narrow=${narrow} />`}
      </dd>
    </div>
  `;
}

/**
 * Every attribute of the envelope, those with a meaning of their own first.
 *
 * @param {TelemetryEvent} event
 * @returns {Attribute[]}
 */
function attributes(event) {
  const { id, type, subject, source, time, traceparent } = event;
  const trace = traceOf(traceparent);
  const rest = Object.entries(event).filter(([name, value]) => !SPOKEN.has(name) && value != null);
  return [
    { name: "type", value: type, term: `type:${literal(type)}` },
    ...(subject ? [{ name: "subject", value: subject, term: `subject:${literal(subject)}` }] : []),
    { name: "source", value: source },
    { name: "severity", value: severityOf(event).word, term: `severity>=${severityOf(event).word}` },
    { name: "time", value: time },
    { name: "id", value: id },
    ...(trace ? [{ name: "trace", value: trace.trace, term: `trace:${trace.trace}` }] : []),
    ...(trace ? [{ name: "span", value: trace.span }] : []),
    ...rest.map(([name, value]) => ({ name, value: String(value) })),
  ];
}
