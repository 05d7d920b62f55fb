import assert from "node:assert/strict";
import { test } from "node:test";

import { load } from "./static.mjs";

const { compareSequences, eventRow, merge, unknown } = await load("live/rows.js");

const TIME = "2026-11-21T09:30:00.000001Z";
const event = (n, time = TIME) => ({ id: `e${n}`, source: "s", type: "t", time, sequence: String(n) });
const rows = (...events) => events.map((item) => eventRow(item));
const keys = (list) => list.map((row) => row.key);

test("rows are ordered by time and then by place in the log, newest first", () => {
  const late = event(1, "2026-11-21T09:30:00.000002Z");
  assert.deepEqual(keys(merge(rows(event(3), event(2)), rows(late, event(10)))), ["1", "10", "3", "2"]);
});

test("an event that came late takes its place between the others", () => {
  const shown = rows(event(9, "2026-11-21T09:32:00.000000Z"), event(7, "2026-11-21T09:30:00.000000Z"));
  assert.deepEqual(keys(merge(shown, rows(event(11, "2026-11-21T09:31:00.000000Z")))), ["9", "11", "7"]);
});

test("an event that is known, or comes twice, is not new", () => {
  assert.deepEqual(keys(unknown(rows(event(1)), rows(event(1), event(2), event(2)))), ["2"]);
});

test("sequences are compared as whole numbers of any size", () => {
  assert.ok(compareSequences("9", "10") < 0);
  assert.ok(compareSequences("9223372036854775807", "9223372036854775806") > 0);
  assert.equal(compareSequences("7", "7"), 0);
});
