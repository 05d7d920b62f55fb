import { duration, number } from "../core/format.js";

/**
 * One line about an event.
 *
 * @import { TelemetryEvent } from "../client.js"
 *
 * `strong` says what it is about, `quiet` is context; `mark` puts a cross before the text, for those who see no colour.
 * @typedef {{ text: string, label?: string, tone?: "strong" | "quiet" | "warn" | "bad", mark?: true }} Part
 * @typedef {Record<string, any>} Data
 */

/** @type {[RegExp, (data: Data, event: TelemetryEvent) => Part[]][]} */
const SUMMARIES = [
  [/^http\.request$/, request],
  [/^websocket\.session$/, socket],
  [/^span$/, span],
  [/^log$/, log],
  [/^telemetry\.dropped$/, dropped],
];
const FIELDS = 4;
const LONGEST = 160;

/** The parts of the summary, to be set apart by dots. @param {TelemetryEvent} event @returns {Part[]} */
export function summary(event) {
  const data = event.data ?? {};
  const [, make = anything] = SUMMARIES.find(([type]) => type.test(event.type)) ?? [];
  const parts = said(make(data, event));
  return parts.length > 0 ? parts : said(anything(data, event));
}

/** @param {Part[]} parts */
const said = (parts) => parts.filter(({ text }) => text !== "");

/** @param {Data} data @returns {Part} */
function status(data) {
  const code = data["http.response.status_code"];
  if (code === undefined) return { text: "" };
  if (code >= 500) return { text: String(code), tone: "bad", mark: true };
  return code >= 400 ? { text: String(code), tone: "warn" } : { text: String(code) };
}

/** @param {unknown} seconds @returns {Part} */
const took = (seconds) => ({ text: typeof seconds === "number" ? duration(seconds) : "", tone: "quiet" });

/** What went wrong, without the module that an exception is from. @param {Data} data @returns {Part} */
function failure(data) {
  const error = String(data["error.type"] ?? "");
  const repeated = error === String(data["http.response.status_code"]);
  return { text: repeated ? "" : error.replace(/^.*\.(?=[A-Z]\w*$)/, ""), tone: "bad" };
}

/** @param {unknown} value @param {Part["tone"]} [tone] @returns {Part} */
const part = (value, tone) => ({ text: value === undefined || value === null ? "" : short(value), tone });

/** @param {Data} data @returns {Part} */
function place(data) {
  const route = data["http.route"];
  const where = route && route !== "<unmatched>" ? route : (data["url.path"] ?? route ?? "");
  return { text: `${data["http.request.method"] ?? ""} ${where}`.trim(), tone: "strong" };
}

/** @param {Data} data */
function request(data) {
  const time = took(data["http.server.request.duration"]);
  return [place(data), status(data), time, part(data.outcome, "quiet"), failure(data)];
}

/** @param {Data} data */
function socket(data) {
  const code = data["websocket.close.code"];
  const refused = data["websocket.accepted"] === false ? status(data) : part(code && `closed ${code}`);
  return [place(data), refused, took(data.duration), part(data.outcome, "quiet"), failure(data)];
}

/** @param {Data} data */
function span(data) {
  return [part(data.name, "strong"), part(data.label), took(data.duration), failure(data)];
}

/** @param {Data} data */
function log(data) {
  return [part(data.message ?? data.body ?? data.msg, "strong"), part(data.logger ?? data.name, "quiet")];
}

/** @param {Data} data */
function dropped(data) {
  const count = typeof data.count === "number" ? `${number(data.count)} events dropped` : null;
  return [part(count, "warn"), part(data.reason)];
}

/** The subject and the first plain fields. @param {Data} data @param {TelemetryEvent} event @returns {Part[]} */
function anything(data, event) {
  const fields = Object.entries(data).filter(([key, value]) => isPlain(value) && !key.startsWith("error"));
  return [
    part(event.subject, "strong"),
    ...fields.slice(0, FIELDS).map(([key, value]) => ({ text: short(value), label: key })),
    data["error.type"] ? failure(data) : part(data.error, "bad"),
  ];
}

/** @param {unknown} value */
function isPlain(value) {
  return ["string", "number", "boolean"].includes(typeof value) && value !== "";
}

/** @param {unknown} value */
function short(value) {
  const text = typeof value === "number" ? String(value) : typeof value === "string" ? value : JSON.stringify(value);
  const line = text.split("\n", 1)[0];
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}
