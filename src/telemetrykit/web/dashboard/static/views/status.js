import { html, useEffect, useMemo } from "../vendor/toolkit.js";
import { Problem } from "../core/api.js";
import { absolute, ago, span } from "../core/format.js";
import { Polled } from "../core/polled.js";
import { Facts, label, Parts, parts, troublesOf, wordOf } from "../ui/facts.js";
import { Mark, Shape, toneOf } from "../ui/mark.js";
import { Awaited } from "../ui/states.js";

/**
 * @import { Dashboard } from "../dashboard.js"
 * @import { Fields } from "../ui/facts.js"
 * @import { Tone } from "../ui/mark.js"
 *
 * @typedef {Record<string, any>} Answer
 * @typedef {{ part: string, text: string, tone: Tone }} Issue
 */

const LOOK_MS = 5000;

/** @type {Record<string, string>} */
const SENTENCES = {
  running: "Everything works.",
  initializing: "The kit is starting.",
  degraded: "The app is served as always; the kit does not do all of its work.",
  error: "The app is served as always; the kit does not work.",
};

/** @type {Record<string, string>} */
const CIRCUITS = { closed: "ok", "half-open": "retrying", open: "failed" };

/** Not ready is an answer too, and says why. @param {Dashboard} app @returns {Promise<Answer>} */
async function readiness(app) {
  try {
    return (await app.api.get("health/ready")) ?? {};
  } catch (error) {
    if (error instanceof Problem && error.status === 503) return /** @type {Answer} */ (error.body ?? {});
    throw error;
  }
}

/** @param {Dashboard} app */
async function look(app) {
  const [status, ready] = await Promise.all([app.api.get("status"), readiness(app)]);
  return { status: /** @type {Answer} */ (status), ready };
}

/** Everything that is wrong, each thing once. @param {Answer} status @param {Answer} ready @returns {Issue[]} */
function issues(status, ready) {
  const named = [status.backends, status.loops, ready.parts].flatMap((group) => parts(group).flatMap(issuesOf));
  const own = [...(status.issues ?? []), ...(ready.issues ?? [])].map((text) => issue("", text, "warn"));
  const all = [...named, ...own];
  return all.filter(({ text }, index) => all.findIndex((other) => other.text === text) === index);
}

/** In the words of the part that says so. @param {[string, Fields]} part @returns {Issue[]} */
function issuesOf([name, fields]) {
  return troublesOf(fields).map((text) => issue(name, text, toneOf(wordOf(fields))));
}

/** @param {string} part @param {string} text @param {Tone} tone @returns {Issue} */
function issue(part, text, tone) {
  return { part, text, tone: tone === "bad" ? "bad" : "warn" };
}

/** How the kit itself is. @param {{ app: Dashboard }} props */
export function StatusView({ app }) {
  const polled = useMemo(() => new Polled(() => look(app), LOOK_MS), [app]);
  useEffect(() => polled.start(), [polled]);
  return html`
    <main class="page">
      <div class="top"><h1>Status</h1></div>
      <${Awaited} polled=${polled}>
        ${(/** @type {any} */ { status, ready }) => html`
          <${Report} app=${app} polled=${polled} status=${status} ready=${ready} />
        `}
      <//>
    </main>
  `;
}

/** @param {{ app: Dashboard, polled: Polled<unknown>, status: Answer, ready: Answer }} props */
function Report({ app, polled, status, ready }) {
  const now = app.clock.now.value;
  const wrong = issues(status, ready);
  return html`
    <section class=${`card state ${toneOf(status.state)}`}>
      <p class="state-word">
        <${Mark} tone=${toneOf(status.state)} word=${label(String(status.state))} /> ${SENTENCES[status.state]}
      </p>
      <p class="muted">${facts(status, now).join(" · ")}</p>
      <${Stale} polled=${polled} now=${now} />
    </section>
    ${wrong.length > 0 && html`<${Issues} issues=${wrong} />`}
    <div class="cards">
      <${Parts} title="Backends" value=${status.backends} />
      <${Parts} title="Loops" value=${status.loops} none="None is running." />
      <${Parts} title="Dropped events" value=${counts(status.drops)} none="None since the start." />
      <${Parts} title="Sinks" value=${lanes(status.sinks)} none="None: events are stored and nowhere else." />
      <${Parts} title="Leases" value=${status.leases} none="None is held." />
      <${Plain} title="Events" value=${status.events} />
      <${Plain} title="Live stream" value=${{ clients: status.clients, broadcasts: status.broadcasts }} />
      <${Plain} title="What the kit costs" value=${cost(status, now)} />
    </div>
  `;
}

/** @param {{ polled: Polled<unknown>, now: number }} props */
function Stale({ polled, now }) {
  const { problem, at } = polled;
  if (!problem.value) return null;
  const age = ago(at.value, now);
  return html`<p class="stale"><${Shape} tone="warn" /> ${problem.value.sentences[0]} What you see is ${age} old.</p>`;
}

/** Those that are not zero. @param {Record<string, number>} drops */
function counts(drops = {}) {
  const some = Object.entries(drops).filter(([, count]) => count !== 0);
  return Object.fromEntries(some.map(([reason, count]) => [label(reason), count]));
}

/** Sinks, with the states of their circuits in plain words. @param {Answer[]} sinks */
function lanes(sinks = []) {
  return sinks.map((sink) => ({ ...sink, status: CIRCUITS[sink.state] ?? sink.state }));
}

/** CPU time alone says little: of how much? @param {Answer} status @param {number} now */
function cost({ self_cost: own, started_at: started }, now) {
  const seconds = (now - Date.parse(started)) / 1000;
  return own?.cpu_seconds && seconds > 0 ? { ...own, core_share: own.cpu_seconds / seconds } : own;
}

/** @param {Answer} status @param {number} now @returns {string[]} */
function facts(status, now) {
  const started = Date.parse(status.started_at);
  return [
    status.version ? `Version ${status.version}` : "",
    Number.isFinite(started) ? `up ${span((now - started) / 1000)}, since ${absolute(started)}` : "",
    status.started ? `started ${status.started}` : "",
  ].filter(Boolean);
}

/** @param {{ issues: Issue[] }} props */
function Issues({ issues }) {
  return html`
    <section class="card issues" aria-label="Issues">
      <h2>What is wrong</h2>
      <ul>
        ${issues.map(
          ({ part, text, tone }) => html`
            <li key=${part + text}><${Mark} tone=${tone} word=${part || "kit"} /><span>${text}</span></li>
          `,
        )}
      </ul>
    </section>
  `;
}

/** A card with a few numbers. @param {{ title: string, value: Record<string, unknown> | undefined }} props */
function Plain({ title, value }) {
  if (!value) return null;
  return html`<section class="card"><h2>${title}</h2><${Facts} fields=${value} /></section>`;
}
