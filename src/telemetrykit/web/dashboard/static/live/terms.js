/**
 * Terms of the filter language, made from fields of events.
 */

/** Keys of `data` that the language has a short name for. @type {Record<string, string>} */
const SHORT = {
  duration: "duration",
  "http.request.method": "method",
  "http.response.status_code": "status",
  "http.route": "route",
  "http.server.request.duration": "duration",
  "url.path": "path",
};
/** Names that mean something else than a key of `data`. */
const TAKEN = /^(?:id|source|type|subject|severity|trace|status|route|method|path|data\..*)$/;
const PLAIN_NAME = /^[^\s():=<>"!-][^\s():=<>"!]*$/;
const PLAIN_VALUE = /^[^\s()"*]+$/;
/** Text that unquoted would mean a number or a constant as well. */
const AMBIGUOUS = /^(?:-?\d.*|true|false|null)$/;

/** @param {string} text */
const quoted = (text) => `"${text.replace(/[\\"]/g, "\\$&")}"`;

/**
 * A value as the language writes it: quoted where it would otherwise mean something else.
 *
 * @param {string | number | boolean} value
 */
export function literal(value) {
  if (typeof value !== "string") return String(value);
  return PLAIN_VALUE.test(value) && !AMBIGUOUS.test(value) ? value : quoted(value);
}

/** @param {string} key */
function nameOf(key) {
  if (SHORT[key]) return SHORT[key];
  if (!PLAIN_NAME.test(key)) return quoted(key);
  return TAKEN.test(key) ? `data.${key}` : key;
}

/**
 * A term that finds a value of `data`.
 *
 * @param {string} key flat, or dotted into objects
 * @param {string | number | boolean} value
 */
export function dataTerm(key, value) {
  const name = nameOf(key);
  // No two requests take the same time: what people look for is "this slow, or slower".
  const operator = name === "duration" ? ">=" : ":";
  return `${name}${operator}${literal(value)}`;
}

/** The filter with one more term. @param {string} filter @param {string} term */
export function withTerm(filter, term) {
  if (` ${filter} `.includes(` ${term} `)) return filter;
  const needsGroup = /\sor\s/i.test(filter);
  return [needsGroup ? `(${filter})` : filter, term].filter(Boolean).join(" ");
}

/** @param {string | undefined} traceparent @returns {{ trace: string, span: string } | null} */
export function traceOf(traceparent) {
  const [, trace, span] = traceparent?.split("-") ?? [];
  return trace && span ? { trace, span } : null;
}
