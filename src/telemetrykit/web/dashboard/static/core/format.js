const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const TENTH = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB"];
/** @type {[number, string][]} */
const AGES = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
];

/** @param {number} value 1284 becomes "1,284", 0.25 stays "0.3" */
export function number(value) {
  return (Number.isInteger(value) ? WHOLE : TENTH).format(value);
}

/** @param {number} count @param {string} noun @param {string} [plural] */
export function counted(count, noun, plural = `${noun}s`) {
  return `${number(count)} ${count === 1 ? noun : plural}`;
}

/** A length of time in the unit that people would say. @param {number} seconds */
export function duration(seconds) {
  const ms = seconds * 1000;
  if (ms > 0 && ms < 0.1) return `${WHOLE.format(ms * 1000)} µs`;
  if (ms < 10) return `${TENTH.format(ms)} ms`;
  if (ms < 10_000) return `${WHOLE.format(ms)} ms`;
  if (seconds < 60) return `${TENTH.format(seconds)} s`;
  return span(seconds);
}

/** A longer stretch: "3 min 20 s", "2 d 4 h". @param {number} seconds */
export function span(seconds) {
  const step = AGES.findIndex(([size]) => seconds >= size);
  if (step < 0) return `${Math.floor(seconds)} s`;
  const [size, unit] = AGES[step];
  const [smaller, rest] = AGES[step + 1] ?? [1, "s"];
  const left = Math.floor((seconds % size) / smaller);
  return `${Math.floor(seconds / size)} ${unit}${left ? ` ${left} ${rest}` : ""}`;
}

/** How long ago, short enough for a column. @param {number} at @param {number} now both in ms since the epoch */
export function ago(at, now) {
  const seconds = Math.floor((now - at) / 1000);
  if (seconds < -60) return `in ${span(-seconds)}`;
  if (seconds < 1) return "now";
  const [size, unit] = AGES.find(([step]) => seconds >= step) ?? [1, "s"];
  const value = Math.floor(seconds / size);
  return unit === "d" && value > 30 ? day(at) : `${value} ${unit}`;
}

/** @param {number} bytes */
export function bytes(bytes) {
  const step = Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log10(Math.max(1, Math.abs(bytes))) / 3));
  return `${TENTH.format(bytes / 1000 ** step)} ${BYTE_UNITS[step]}`;
}

/** @param {number} value @param {number} [width] */
const pad = (value, width = 2) => String(value).padStart(width, "0");

/** The reader's own clock, "14:41:07.318". @param {number} at */
export function clockTime(at) {
  const t = new Date(at);
  return `${pad(t.getHours())}:${pad(t.getMinutes())}:${pad(t.getSeconds())}.${pad(t.getMilliseconds(), 3)}`;
}

/** @param {number} at "2026-11-21" on the reader's own clock */
export function day(at) {
  const t = new Date(at);
  return `${t.getFullYear()}-${pad(t.getMonth() + 1)}-${pad(t.getDate())}`;
}

/** Date, time and offset, for tooltips and the panel. @param {number} at */
export function absolute(at) {
  const offset = -new Date(at).getTimezoneOffset();
  const sign = offset < 0 ? "-" : "+";
  const zone = `${sign}${pad(Math.floor(Math.abs(offset) / 60))}:${pad(Math.abs(offset) % 60)}`;
  return `${day(at)} ${clockTime(at)} ${zone}`;
}
