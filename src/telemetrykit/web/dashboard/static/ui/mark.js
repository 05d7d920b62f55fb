import { html } from "../vendor/toolkit.js";

/**
 * Marks tell states apart by shape, then by word, and only then by colour.
 *
 * @typedef {"ok" | "warn" | "bad" | "idle"} Tone
 */

/** @type {Record<Tone, string>} */
const SHAPES = {
  ok: "M5 1a4 4 0 1 1 0 8a4 4 0 1 1 0-8z",
  warn: "M5 .8 9.6 9H.4z",
  bad: "M5 .2 9.8 5 5 9.8 .2 5z",
  idle: "M5 2a3 3 0 1 1 0 6a3 3 0 1 1 0-6z",
};

/** @param {{ tone: Tone }} props */
export function Shape({ tone }) {
  return html`<svg class=${`shape ${tone}`} viewBox="0 0 10 10" aria-hidden="true"><path d=${SHAPES[tone]} /></svg>`;
}

/** @param {{ tone: Tone, word: string }} props */
export function Mark({ tone, word }) {
  return html`<span class=${`mark ${tone}`}><${Shape} tone=${tone} /><span>${word}</span></span>`;
}

/** A cross before what failed. */
export function Cross() {
  return html`<svg class="shape cross" viewBox="0 0 10 10" aria-hidden="true"><path d="M1.5 1.5l7 7m0-7l-7 7" /></svg>`;
}

/** @type {Record<string, string>} */
const ICONS = {
  close: "M4 4l8 8m0-8l-8 8",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  filter: "M2.5 4h11M4.5 8h7M6.5 12h3",
  link: "M7 9a3 3 0 0 0 4.2 0l2-2A3 3 0 0 0 9 2.8l-.8.8M9 7a3 3 0 0 0-4.2 0l-2 2A3 3 0 0 0 7 13.2l.8-.8",
  next: "M4 6l4 4 4-4",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3l8 5-8 5z",
  previous: "M4 10l4-4 4 4",
  trace: "M2 4h6M5 8h6M8 12h6",
  up: "M8 13V3M4 7l4-4 4 4",
};

/** @param {{ name: string }} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d=${ICONS[name]} /></svg>`;
}

/** What the words of statuses mean for a person. @type {Record<string, Tone>} */
const TONES = {
  active: "ok",
  closed: "ok",
  connected: "ok",
  enabled: "ok",
  healthy: "ok",
  held: "ok",
  installed: "ok",
  loaded: "ok",
  ok: "ok",
  ready: "ok",
  running: "ok",
  "built-in": "ok",
  degraded: "warn",
  "half-open": "warn",
  half_open: "warn",
  initializing: "warn",
  restarting: "warn",
  retrying: "warn",
  starting: "warn",
  stale: "warn",
  warn: "warn",
  dead: "bad",
  error: "bad",
  failed: "bad",
  open: "bad",
  unavailable: "bad",
  unhealthy: "bad",
};

/** @param {unknown} word @returns {Tone} */
export function toneOf(word) {
  return TONES[String(word).toLowerCase()] ?? "idle";
}
