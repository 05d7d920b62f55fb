import assert from "node:assert/strict";
import { test } from "node:test";

import { load } from "./static.mjs";

const { ago, bytes, counted, duration, number, span } = await load("core/format.js");
const { link, parse } = await load("core/route.js");
const { Meter } = await load("live/meter.js");
const { summary } = await load("live/summary.js");

const line = (event) => summary(event).map(({ text, label }) => (label ? `${label} ${text}` : text)).join(" · ");

test("numbers carry the unit that people would say", () => {
  assert.equal(number(1284), "1,284");
  assert.equal(counted(1, "event"), "1 event");
  assert.equal(duration(0.0000081), "8 µs");
  assert.equal(duration(0.041), "41 ms");
  assert.equal(duration(2.003), "2,003 ms");
  assert.equal(duration(12.34), "12.3 s");
  assert.equal(span(200), "3 min 20 s");
  assert.equal(span(2 * 86_400 + 4 * 3600), "2 d 4 h");
  assert.equal(bytes(48_200_331), "48.2 MB");
});

test("ages are short, and very old is a date", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  assert.equal(ago(now - 400, now), "now");
  assert.equal(ago(now - 94_000, now), "1 min");
  assert.equal(ago(now - 3 * 86_400_000, now), "3 d");
  assert.match(ago(Date.parse("2015-05-17T12:00:00Z"), now), /^2015-05-1/);
  assert.equal(ago(now + 120_000, now), "in 2 min");
});

test("a request is summed up as method, route, status and time", () => {
  const data = {
    "http.request.method": "GET",
    "http.route": "/artifacts/{id}",
    "http.response.status_code": 200,
    "http.server.request.duration": 0.041,
  };
  assert.equal(line({ type: "http.request", data }), "GET /artifacts/{id} · 200 · 41 ms");
});

test("a failed request is marked and says why", () => {
  const data = {
    "http.request.method": "GET",
    "http.route": "<unmatched>",
    "url.path": "/x",
    "http.response.status_code": 504,
    "error.type": "shop.errors.UpstreamTimeout",
  };
  const parts = summary({ type: "http.request", data });
  assert.equal(parts[0].text, "GET /x");
  assert.deepEqual(parts[1], { text: "504", tone: "bad", mark: true });
  assert.equal(parts[2].text, "UpstreamTimeout");
});

test("any other event is summed up by its subject and its first plain fields", () => {
  const data = { amount: 12.5, currency: "EUR", items: [1, 2], note: "" };
  assert.equal(line({ type: "order.paid", subject: "order-81f2", data }), "order-81f2 · amount 12.5 · currency EUR");
  assert.equal(line({ type: "log", data: { message: "two\nlines", logger: "shop" } }), "two · shop");
  assert.equal(line({ type: "empty" }), "");
});

test("events per second are those of the last five full seconds", () => {
  const meter = new Meter(1_000_000 - 60_000);
  for (let second = 0; second < 6; second += 1) meter.add(10, 1_000_000 + second * 1000);
  assert.equal(meter.rate(1_005_999), 10);
  assert.equal(meter.rate(1_006_000), 10);
  assert.equal(meter.rate(1_008_000), 6);
  assert.equal(meter.seconds(1_006_000).length, 60);
  assert.equal(meter.rate(1_900_000), 0);
});

test("seconds before the counting began are not told, rather than told as empty", () => {
  const meter = new Meter(1_000_000);
  meter.add(7, 1_000_400);
  assert.deepEqual(meter.seconds(1_000_900), []);
  assert.equal(meter.rate(1_001_000), 7);
  assert.deepEqual(meter.seconds(1_002_000), [7, 0]);
});

test("an address names a view and its parameters, and reads back the same", () => {
  const params = { q: 'route:/api/* status>=500 "a b"', range: "1h" };
  assert.deepEqual(parse(link("live", params)), { view: "live", params });
  assert.equal(link("live", { q: "", event: "" }), "#/live");
  assert.deepEqual(parse(""), { view: "live", params: {} });
});
