import { html, useEffect, useMemo } from "../vendor/toolkit.js";
import { duration, number } from "../core/format.js";
import { Polled } from "../core/polled.js";
import { Mark, toneOf } from "../ui/mark.js";
import { Awaited, Notice } from "../ui/states.js";

/**
 * @import { Dashboard } from "../dashboard.js"
 *
 * @typedef {Record<string, any>} Plugin
 */

const LOOK_MS = 10_000;
const WORST = ["bad", "warn", "ok", "idle"];

/** @param {any} answer @returns {Plugin[]} */
function pluginsOf({ items, failures }) {
  const failed = failures.map((/** @type {any} */ { plugin, error }) => ({ name: plugin, error }));
  const names = new Set(failed.map((/** @type {Plugin} */ { name }) => name));
  const others = items.filter((/** @type {Plugin} */ { name }) => !names.has(name));
  return [...failed, ...others].sort((a, b) => rank(a) - rank(b) || String(a.name).localeCompare(String(b.name)));
}

/** @param {Plugin} plugin */
function rank(plugin) {
  return WORST.indexOf(toneOfPlugin(plugin)) * 2 + Number(plugin.origin === "built-in");
}

/** @param {Plugin} plugin */
function toneOfPlugin(plugin) {
  const state = stateOf(plugin);
  return state.startsWith("circuit") ? "bad" : toneOf(state);
}

/** @param {Plugin} plugin @returns {string} */
function stateOf(plugin) {
  if (plugin.error) return "failed";
  const broken = circuits(plugin).find(({ state }) => state !== "closed");
  return broken ? `circuit ${broken.state}` : (plugin.state ?? "enabled");
}

/**
 * Parts that fail too often are left alone for a while.
 *
 * @param {Plugin} plugin
 * @returns {{ part: string, state: string, last_error: string | null }[]}
 */
function circuits(plugin) {
  return plugin.circuits ?? [];
}

/** @param {Plugin} plugin @returns {string[]} */
function troubles(plugin) {
  const errors = circuits(plugin).map(({ part, state, last_error }) => state !== "closed" && `${part}: ${last_error}`);
  return [plugin.error, ...errors].filter((error) => typeof error === "string");
}

/** What is plugged in, and how it does. @param {{ app: Dashboard }} props */
export function PluginsView({ app }) {
  const polled = useMemo(() => new Polled(() => app.api.get("plugins"), LOOK_MS), [app]);
  useEffect(() => polled.start(), [polled]);
  return html`
    <main class="page">
      <div class="top"><h1>Plugins</h1></div>
      <${Awaited} polled=${polled}>
        ${(/** @type {any} */ answer) => html`<${Table} plugins=${pluginsOf(answer)} />`}
      <//>
    </main>
  `;
}

/** @param {{ plugins: Plugin[] }} props */
function Table({ plugins }) {
  if (plugins.length === 0) return html`<${Notice} title="No plugins"><p>Not even a built-in one.</p><//>`;
  return html`
    <div class="card table-card">
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">From</th>
            <th scope="col">State</th>
            <th scope="col">Brings</th>
            <th scope="col" class="number">Calls</th>
            <th scope="col" class="number">Errors</th>
            <th scope="col" class="number">Time</th>
          </tr>
        </thead>
        <tbody>${plugins.map((plugin) => html`<${Line} key=${plugin.name} plugin=${plugin} />`)}</tbody>
      </table>
    </div>
  `;
}

/** @param {{ plugin: Plugin }} props */
function Line({ plugin }) {
  return html`
    <tr>
      <th scope="row">${plugin.name}</th>
      <td class="from">${plugin.distribution ?? plugin.origin ?? "–"}</td>
      <td class="condition"><${Mark} tone=${toneOfPlugin(plugin)} word=${stateOf(plugin)} /></td>
      <td class="brings">
        ${troubles(plugin).map((error) => html`<p class="trouble" key=${error}>${error}</p>`)}
        <${Brings} plugin=${plugin} />
      </td>
      <${Figure} label="Calls" value=${plugin.calls} show=${number} />
      <${Figure} label="Errors" value=${plugin.errors} show=${number} tone=${plugin.errors > 0 ? "bad" : ""} />
      <${Figure} label="Time" value=${plugin.seconds} show=${duration} />
    </tr>
  `;
}

/** Names of parts by their kind; without parts the hooks say what a plugin is for. @param {Plugin} plugin */
function kinds({ parts = [], hooks = [] }) {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const part of parts) {
    const [kind, name] = part.split(/:(.*)/s);
    found.set(kind, [...(found.get(kind) ?? []), name]);
  }
  return found.size > 0 || hooks.length === 0 ? [...found] : [["", hooks]];
}

/** @param {{ plugin: Plugin }} props */
function Brings({ plugin }) {
  const replaced = new Set(plugin.replaced ?? []);
  const named = (/** @type {string} */ kind, /** @type {string} */ name) =>
    replaced.has(`${kind}:${name}`) ? html`<${Replaced} name=${name} />` : html`<code>${name}</code>`;
  return kinds(plugin).map(
    ([kind, names]) => html`
      <p key=${kind}>
        ${kind && html`<span class="muted">${kind.replaceAll("_", " ")}${" "}</span>`}
        ${names.map((/** @type {string} */ name) => html`${named(kind, name)}${" "}`)}
      </p>
    `,
  );
}

/** @param {{ name: string }} props */
function Replaced({ name }) {
  return html`<s title="Replaced by another plugin"><code>${name}</code></s>`;
}

/** @param {{ label: string, value?: number, show: (value: number) => string, tone?: string }} props */
function Figure({ label, value, show, tone = "" }) {
  if (value === undefined) return html`<td data-label=${label} class="number muted">–</td>`;
  return html`<td data-label=${label} class=${`number ${tone}`}>${show(value)}</td>`;
}
