import { counted } from "../core/format.js";

/**
 * What could be meant by the word under the caret of the filter box.
 *
 * @typedef {{ types: { type: string, count: number | null }[], routes: string[] }} Vocabulary
 * @typedef {{ insert: string, label: string, hint: string }} Suggestion
 */

/** @type {[string, string][]} */
const NAMES = [
  ["type:", "what happened, order.* works too"],
  ["status>=", "HTTP status, or status:404"],
  ["route:", "route template, /api/* works too"],
  ["method:", "HTTP method"],
  ["path:", "path as it was asked for"],
  ["duration>", "longer than 500ms, 1.5s, 2m"],
  ["severity>=", "at least this severe"],
  ["subject:", "what it is about"],
  ["trace:", "all of one trace"],
];
const SEVERITIES = ["trace", "debug", "info", "warn", "error", "fatal"];
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const STATUSES = ["200", "301", "304", "400", "401", "403", "404", "409", "422", "429", "500", "502", "503", "504"];
const WORD = /[^\s()]*$/;
const TERM = /^(-?)([\w.]+)(!=|>=|<=|:|>|<)(.*)$/;
const MOST = 9;

/** @param {string} text @param {number} caret @returns {{ from: number, word: string }} */
export function wordAt(text, caret) {
  const word = WORD.exec(text.slice(0, caret))?.[0] ?? "";
  return { from: caret - word.length, word };
}

/** @param {string} word @param {Vocabulary} vocabulary @returns {Suggestion[]} */
export function suggest(word, vocabulary) {
  const term = TERM.exec(word);
  if (!term) return names(word, vocabulary).slice(0, MOST);
  const [, not, name, operator, typed] = term;
  const wanted = typed.toLowerCase();
  return values(name, vocabulary)
    .filter(({ label }) => label.toLowerCase().includes(wanted) && label !== typed)
    .slice(0, MOST)
    .map((value) => ({ ...value, insert: `${not}${name}${operator}${value.label} ` }));
}

/** @param {string} word @param {Vocabulary} vocabulary @returns {Suggestion[]} */
function names(word, vocabulary) {
  const [not, bare] = word.startsWith("-") ? ["-", word.slice(1)] : ["", word];
  const wanted = bare.toLowerCase();
  const fitting = NAMES.filter(([name]) => name.startsWith(wanted));
  const types = wanted ? values("type", vocabulary).filter(({ label }) => label.toLowerCase().includes(wanted)) : [];
  return [
    ...fitting.map(([name, hint]) => ({ insert: `${not}${name}`, label: `${not}${name}`, hint })),
    ...types.map(({ label, hint }) => ({ insert: `${not}type:${label} `, label: `${not}type:${label}`, hint })),
  ];
}

/** @param {string} name @param {Vocabulary} vocabulary @returns {Suggestion[]} */
function values(name, { types, routes }) {
  const plain = (/** @type {string[]} */ labels) => labels.map((label) => ({ insert: label, label, hint: "" }));
  switch (name) {
    case "type":
      return types.map(({ type, count }) => ({ ...plain([type])[0], hint: count ? counted(count, "event") : "" }));
    case "severity":
      return plain(SEVERITIES);
    case "method":
      return plain(METHODS);
    case "status":
      return plain(STATUSES);
    case "route":
      return plain(routes);
    default:
      return [];
  }
}
