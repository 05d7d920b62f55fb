import { html } from "../vendor/toolkit.js";
import { absolute, bytes, duration, number, span } from "../core/format.js";
import { Mark, toneOf } from "./mark.js";

/**
 * Values of the API in words: what a number means is in the end of its name.
 *
 * @typedef {Record<string, unknown>} Fields
 */

const WORD_FIELDS = ["status", "state"];

/** @type {[RegExp, (value: number) => string][]} */
const UNITS = [
  [/(?:_bytes|^bytes|^size|memory|rss)$/, bytes],
  [/_us$/, (value) => duration(value / 1_000_000)],
  [/(?:_ms|^ms)$/, (value) => duration(value / 1000)],
  [/(?:uptime_s|age_s|age)$/, span],
  [/(?:_s|_seconds|^seconds|^time|^duration)$/, duration],
  [/_percent$/, (value) => `${number(value)} %`],
  [/(?:_share|_fraction)$/, (value) => `${number(value * 100)} %`],
];
/** @type {Record<string, string>} */
const SAID = {
  bytes: "size",
  core_share: "share of one core",
  ours: "held here",
  seconds: "time",
  wal_bytes: "write-ahead log",
};
const INITIALS = /\b(?:cpu|id|sse|url|ws)\b/g;
const NAME_END = /_(?:bytes|us|ms|s|seconds|at|percent)$/;
const MOMENT = /^\d{4}-\d\d-\d\dT/;

/** "oldest_waiting_s" becomes "Oldest waiting". @param {string} key */
export function label(key) {
  const words = spoken(key);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** @param {string} key */
function spoken(key) {
  const words = SAID[key] ?? key.replace(NAME_END, "").replaceAll("_", " ").trim();
  return words.replace(INITIALS, (word) => word.toUpperCase());
}

/** @param {string} key @param {unknown} value @returns {string} */
export function inWords(key, value) {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return UNITS.find(([end]) => end.test(key))?.[1](value) ?? number(value);
  if (typeof value === "string") return MOMENT.test(value) ? absolute(Date.parse(value)) : value;
  if (Array.isArray(value)) return value.length > 0 ? value.map((item) => inWords("", item)).join(", ") : "none";
  return Object.entries(/** @type {object} */ (value))
    .map(([name, inner]) => `${spoken(name)} ${inWords(name, inner)}`)
    .join(", ");
}

/** The word for how something is, from whichever field says it. @param {Fields} fields */
export function wordOf(fields) {
  const said = WORD_FIELDS.map((name) => fields[name]).find((value) => typeof value === "string");
  if (said) return String(said);
  if (typeof fields.running === "boolean") return fields.running ? "running" : fields.error ? "failed" : "done";
  return typeof fields.ok === "boolean" ? (fields.ok ? "ok" : "failed") : "";
}

/**
 * What a part says is wrong with it; the last error of one that works again is history.
 *
 * @param {Fields} fields
 * @returns {string[]}
 */
export function troublesOf(fields) {
  const { issues, error, last_error } = fields;
  const errors = toneOf(wordOf(fields)) === "ok" ? [] : [error, last_error];
  const said = [...(Array.isArray(issues) ? issues : []), ...errors];
  return said.filter((trouble) => typeof trouble === "string" && trouble !== "");
}

/** Lists and maps of parts alike, each with its name. @param {unknown} value @returns {[string, Fields][]} */
export function parts(value) {
  if (Array.isArray(value)) return value.map((item) => [String(item?.name ?? item?.part ?? ""), fieldsOf(item)]);
  return Object.entries(value ?? {}).map(([name, item]) => [name, fieldsOf(item)]);
}

/** @param {unknown} value @returns {Fields} */
function fieldsOf(value) {
  if (typeof value === "string") return { status: value };
  return typeof value === "object" && value !== null ? /** @type {Fields} */ (value) : { value };
}

/** @param {{ fields: Fields }} props */
export function Facts({ fields }) {
  const shown = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return html`
    <dl class="facts">
      ${shown.map(([key, value]) => html`<div key=${key}><dt>${label(key)}</dt><dd>${inWords(key, value)}</dd></div>`)}
    </dl>
  `;
}

/** @type {unknown[]} */
const NOTHING = [null, undefined, "", 0];
const SPOKEN = ["name", "part", "status", "state", "running", "ok", "issues", "value"];

/**
 * A card with a line for each part: its name, a word for how it is, and the rest in small.
 *
 * @param {{ title: string, value: unknown, none?: string }} props
 */
export function Parts({ title, value, none = "None." }) {
  const lines = parts(value);
  return html`
    <section class="card">
      <h2>${title}</h2>
      ${lines.length === 0 && html`<p class="muted">${none}</p>`}
      <ul class="parts">
        ${lines.map(([name, fields]) => html`<${PartLine} key=${name} name=${name} fields=${fields} />`)}
      </ul>
    </section>
  `;
}

/** @param {{ name: string, fields: Fields }} props */
function PartLine({ name, fields }) {
  const word = wordOf(fields);
  const troubles = troublesOf(fields);
  const silent = [...NOTHING, ...troubles];
  const rest = Object.entries(fields).filter(([key, value]) => !SPOKEN.includes(key) && !silent.includes(value));
  const words = rest.map(([key, value]) => `${spoken(key)} ${inWords(key, value)}`);
  return html`
    <li>
      <div class="part-head">
        <span class="part-name">${name}</span>
        ${word && html`<${Mark} tone=${toneOf(word)} word=${word} />`}
        ${"value" in fields && html`<span class="figure">${inWords(name, fields.value)}</span>`}
      </div>
      ${troubles.map((trouble) => html`<p class="trouble" key=${trouble}>${trouble}</p>`)}
      ${words.length > 0 && html`<p class="muted small">${words.join(" · ")}</p>`}
    </li>
  `;
}
