/**
 * Rows of the live table: newest first, each event once.
 *
 * @import { TelemetryEvent, Gap } from "../client.js"
 *
 * @typedef {object} Row
 * @property {string} key
 * @property {number} at When it happened, ms since the epoch.
 * @property {string} time The same as text: below a millisecond the text decides the order.
 * @property {string} sequence
 * @property {TelemetryEvent | null} event
 * @property {Gap | null} gap Instead of an event: here something is missing.
 * @property {number} arrived When it came over the stream (performance.now()); 0 where it is not worth a glance.
 */

/** @param {TelemetryEvent} event @param {number} [arrived] @returns {Row} */
export function eventRow(event, arrived = 0) {
  const { sequence = "", time } = event;
  const key = sequence || `${event.source} ${event.id}`;
  return { key, at: Date.parse(time), time, sequence, event, gap: null, arrived };
}

/** @param {Gap} gap @param {number} at @returns {Row} */
export function gapRow(gap, at) {
  const { resumed_at: sequence = "" } = gap;
  const time = new Date(at).toISOString();
  return { key: `gap ${at} ${sequence}`, at, time, sequence, event: null, gap, arrived: 0 };
}

/** Whole numbers as text, so that 64 bits fit. @param {string} a @param {string} b */
export function compareSequences(a, b) {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : Number(a > b);
}

/** The server's order, (time, cursor) descending. @param {Row} a @param {Row} b */
export function newestFirst(a, b) {
  if (a.at !== b.at) return b.at - a.at;
  if (a.time !== b.time) return a.time < b.time ? 1 : -1;
  return compareSequences(b.sequence, a.sequence);
}

/** Those of `incoming` that are not in `rows`. @param {Row[]} rows @param {Row[]} incoming */
export function unknown(rows, incoming) {
  const known = new Set(rows.map((row) => row.key));
  return incoming.filter((row) => !known.has(row.key) && known.add(row.key));
}

/** Both lists as one. @param {Row[]} rows sorted @param {Row[]} added in any order, none of them in `rows` */
export function merge(rows, added) {
  if (added.length === 0) return rows;
  const sorted = added.toSorted(newestFirst);
  if (rows.length === 0 || newestFirst(sorted[sorted.length - 1], rows[0]) <= 0) return [...sorted, ...rows];
  return [...sorted, ...rows].sort(newestFirst);
}
