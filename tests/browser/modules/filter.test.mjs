import assert from "node:assert/strict";
import { test } from "node:test";

import { load } from "./static.mjs";

const { suggest, wordAt } = await load("live/suggest.js");
const { dataTerm, literal, traceOf, withTerm } = await load("live/terms.js");

const TYPES = [
  { type: "http.request", count: 12 },
  { type: "order.paid", count: null },
];
const VOCABULARY = { types: TYPES, routes: ["/orders"] };
const labels = (word) => suggest(word, VOCABULARY).map(({ label }) => label);

test("keys with a short name use it, and a duration asks for this slow or slower", () => {
  assert.equal(dataTerm("http.response.status_code", 404), "status:404");
  assert.equal(dataTerm("http.route", "/artifacts/{id}"), "route:/artifacts/{id}");
  assert.equal(dataTerm("http.server.request.duration", 0.5), "duration>=0.5");
});

test("a key of data that is called like a field of the event says that it is meant", () => {
  assert.equal(dataTerm("type", "a"), "data.type:a");
  assert.equal(dataTerm("user.id", "u-1"), "user.id:u-1");
  assert.equal(dataTerm("two words", 1), '"two words":1');
});

test("text is quoted where it would mean something else", () => {
  assert.equal(literal("card declined"), '"card declined"');
  assert.equal(literal("a*"), '"a*"');
  assert.equal(literal("12"), '"12"');
  assert.equal(literal(12), "12");
  assert.equal(literal('say "a"\\b'), '"say \\"a\\"\\\\b"');
});

test("a term is added once, and behind a choice the choice gets parentheses", () => {
  assert.equal(withTerm("", "status:404"), "status:404");
  assert.equal(withTerm("status:404 method:GET", "status:404"), "status:404 method:GET");
  assert.equal(withTerm("a or b", "status:404"), "(a or b) status:404");
});

test("a trace is read from a traceparent", () => {
  assert.deepEqual(traceOf("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), {
    trace: "0af7651916cd43dd8448eb211c80319c",
    span: "b7ad6b7169203331",
  });
  assert.equal(traceOf(undefined), null);
});

test("names, then values, are suggested for the word under the caret", () => {
  assert.deepEqual(wordAt("type:a st", 9), { from: 7, word: "st" });
  assert.deepEqual(labels("st"), ["status>=", "type:http.request"]);
  assert.deepEqual(labels("-type:or"), ["order.paid"]);
  assert.equal(suggest("-type:or", VOCABULARY)[0].insert, "-type:order.paid ");
  assert.deepEqual(labels("route:"), ["/orders"]);
  assert.deepEqual(labels("method:p"), ["POST", "PUT", "PATCH", "OPTIONS"]);
});
