import assert from "node:assert/strict";
import { test } from "node:test";

import { load } from "./static.mjs";

const { History } = await load("live/history.js");

const SECOND = "2026-11-21T09:30:00.000000Z";
const event = (n, time = SECOND) => ({ id: `e${n}`, source: "s", type: "t", time, sequence: String(n) });

/** A log that answers like the API: newest first, `until` is out, a token that says where a page ended. */
function logOf(events) {
  const newest = events.toSorted((a, b) => (a.time === b.time ? b.sequence - a.sequence : a.time < b.time ? 1 : -1));
  const asked = [];
  const isBefore = (until) => (item) => !until || Date.parse(item.time) < Date.parse(until);
  const get = async (_path, { cursor, until, limit }) => {
    asked.push({ cursor, until });
    const start = cursor ? Number(cursor) : newest.findIndex(isBefore(until));
    const has_more = start + limit < newest.length;
    const pagination = { total: newest.length, has_more, next_cursor: has_more ? String(start + limit) : null };
    return { items: newest.slice(start, start + limit), pagination };
  };
  return { api: { get }, asked };
}

const history = (log) => new History(log.api, { q: "", range: "", tenant: "" });
const sequences = (page) => page.rows.map(({ sequence }) => Number(sequence));

test("behind the end of a page the server's token goes on", async () => {
  const log = logOf(Array.from({ length: 120 }, (_, n) => event(n)));
  const pages = history(log);
  const first = await pages.newest();
  const second = await pages.behind(first.rows.at(-1));
  assert.deepEqual(sequences(second).slice(0, 2), [69, 68]);
  assert.equal(log.asked[1].cursor, "50");
});

test("a look at the newest page in between changes nothing", async () => {
  const log = logOf(Array.from({ length: 170 }, (_, n) => event(n)));
  const pages = history(log);
  const second = await pages.behind((await pages.newest()).rows.at(-1));
  await pages.newest();
  assert.deepEqual(sequences(await pages.behind(second.rows.at(-1))).slice(0, 2), [69, 68]);
});

test("behind any other row the time finds the place, however many events share it", async () => {
  const log = logOf([event(1, "2026-11-21T09:29:00.000000Z"), ...Array.from({ length: 160 }, (_, n) => event(n + 2))]);
  const pages = history(log);
  const row = (await pages.newest()).rows[9];
  const fresh = history(log);
  const lone = { ...row, key: "cut here", sequence: "3" };
  const page = await fresh.behind(lone);
  assert.ok(sequences(page).includes(2));
  assert.ok(sequences(page).includes(1));
});
