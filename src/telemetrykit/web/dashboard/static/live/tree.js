import { html } from "../vendor/toolkit.js";
import { bytes, counted, duration } from "../core/format.js";
import { Icon } from "../ui/mark.js";
import { dataTerm } from "./terms.js";

/**
 * JSON as a tree in which every plain value can become a term of the filter.
 *
 * @typedef {(term: string) => void} Narrow
 */

/** Hostile events must not hang the page that shows them. */
const DEEPEST = 20;
const WIDEST = 200;
const LONGEST = 10_000;

/** @param {unknown} value */
function isBranch(value) {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

/**
 * Keys of `data` are one flat name first; inside arrays the language has no names.
 *
 * @param {string} path
 * @param {unknown} parent
 * @param {string} key
 */
function step(path, parent, key) {
  if (Array.isArray(parent)) return "";
  return path === "." ? key : path && `${path}.${key}`;
}

/** @param {{ value: Record<string, unknown>, narrow: Narrow }} props */
export function Tree({ value, narrow }) {
  return html`<div class="tree"><${Branch} value=${value} path="." depth=${0} narrow=${narrow} /></div>`;
}

/** @param {{ value: object, path: string, depth: number, narrow: Narrow }} props */
function Branch({ value, path, depth, narrow }) {
  const entries = Object.entries(value);
  const lines = entries.slice(0, WIDEST).map(([key, child]) => {
    const name = step(path, value, key);
    if (!isBranch(child) || depth >= DEEPEST)
      return html`<${Leaf} key=${key} label=${key} value=${child} path=${name} narrow=${narrow} />`;
    const size = Object.keys(child).length;
    return html`
      <details key=${key} open>
        <summary>
          <span class="key">${key}</span> <span class="muted">${Array.isArray(child) ? `[${size}]` : `{${size}}`}</span>
        </summary>
        <div class="branch"><${Branch} value=${child} path=${name} depth=${depth + 1} narrow=${narrow} /></div>
      </details>
    `;
  });
  const rest = entries.length - WIDEST;
  return rest > 0 ? [...lines, html`<${Rest} count=${rest} what="entry" whats="entries" />`] : lines;
}

/** What a copy has and the page has not. @param {{ count: number, what: string, whats: string }} props */
function Rest({ count, what, whats }) {
  return html`<p class="muted small">${counted(count, `more ${what}`, `more ${whats}`)}: “Copy JSON” has them.</p>`;
}

/** A dotted name that may break behind its dots. @param {{ name: string }} props */
export function Key({ name }) {
  const steps = name.split(/(?<=[._])/);
  return steps.map((step, index) => html`${index > 0 && html`<wbr />`}${step}`);
}

/** What a number means for a person, where its name tells the unit. @param {string} key @param {unknown} value */
function meaning(key, value) {
  if (typeof value !== "number") return "";
  if (/(?:^|[._])duration$/.test(key)) return ` ${duration(value)}`;
  return /(?:\.size|bytes)$/.test(key) && value >= 1000 ? ` ${bytes(value)}` : "";
}

/** @param {{ label: string, value: unknown, path: string, narrow: Narrow }} props */
function Leaf({ label, value, path, narrow }) {
  const plain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const rest = text.length - LONGEST;
  return html`
    <div class="leaf">
      <span class="key"><${Key} name=${label} /></span>
      <span class=${`value ${value === null ? "null" : typeof value}`}>
        ${text.slice(0, LONGEST)}<span class="quiet">${meaning(label, value)}</span>
      </span>
      ${path && plain && rest <= 0 && html`<${NarrowButton} term=${dataTerm(path, value)} narrow=${narrow} />`}
      ${rest > 0 && html`<${Rest} count=${rest} what="character" whats="characters" />`}
    </div>
  `;
}

/** @param {{ term: string, narrow: Narrow }} props */
export function NarrowButton({ term, narrow }) {
  const words = `Filter for ${term}`;
  return html`
    <button type="button" class="icon-button narrow" title=${words} aria-label=${words} onClick=${() => narrow(term)}>
      <${Icon} name="filter" />
    </button>
  `;
}
