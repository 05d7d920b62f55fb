import assert from "node:assert/strict";
import { test } from "node:test";

import { load } from "./static.mjs";

const { eventRow } = await load("live/rows.js");
const { Hold, KEEP, Shelf } = await load("live/shelf.js");

const START = Date.parse("2026-11-21T09:00:00Z");
const timeOf = (n) => new Date(START + n).toISOString();
const row = (n) => eventRow({ id: `e${n}`, source: "s", type: "t", time: timeOf(n), sequence: String(n) });
const range = (from, to) => Array.from({ length: to - from }, (_, i) => row(from + i));
const keys = (shelf) => shelf.rows.value.map(({ key }) => Number(key));

function running() {
  const hold = new Hold();
  return { hold, shelf: new Shelf(hold) };
}

test("a running table keeps the newest 500 rows and knows that there are more", () => {
  const { shelf } = running();
  shelf.add(range(1, KEEP + 21), KEEP + 20);
  assert.equal(shelf.rows.value.length, KEEP);
  assert.equal(keys(shelf)[0], KEEP + 20);
  assert.equal(shelf.more.value, true);
});

test("what comes while the table stands still is counted and shown on release", () => {
  const { hold, shelf } = running();
  shelf.add(range(1, 4), 3);
  hold.paused.value = true;
  shelf.add(range(4, 7), 3);
  assert.deepEqual(keys(shelf), [3, 2, 1]);
  assert.equal(shelf.fresh.value, 3);
  shelf.release();
  assert.deepEqual(keys(shelf), [6, 5, 4, 3, 2, 1]);
  assert.equal(shelf.fresh.value, 0);
});

test("after more than the table can hold it starts at the newest, without a hole", () => {
  const { hold, shelf } = running();
  shelf.add(range(1, 4), 3);
  hold.reading.value = true;
  shelf.add(range(10, 10 + KEEP + 5), KEEP + 5);
  shelf.release();
  assert.equal(shelf.fresh.value, 0);
  assert.equal(keys(shelf).at(-1), 15);
  assert.equal(shelf.more.value, true);
});

test("an event older than the last row waits to be found by scrolling", () => {
  const { shelf } = running();
  shelf.restart(range(100, 110), true);
  shelf.add([row(5)], 1);
  assert.equal(keys(shelf).includes(5), false);
  shelf.append([row(99)], false);
  shelf.add([row(5)], 1);
  assert.equal(keys(shelf).at(-1), 5);
});
