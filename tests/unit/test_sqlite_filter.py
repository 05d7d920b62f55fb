"""SQL and memory agree on every filter: the store's answer is the live stream's answer."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from telemetrykit.model.compare import OPS, Compare, find_problems
from telemetrykit.model.conditions import And, Condition, Not, Or
from telemetrykit.model.event import Event
from telemetrykit.model.filter import ALL_TENANTS, Filter
from telemetrykit.plugins.stores.sqlite_filter import compile_where, register_functions
from telemetrykit.runtime.codec import dumps
from telemetrykit.testing import strategies

SCHEMA = """
CREATE TABLE tenants(code INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE types(code INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE sources(code INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE events(
    cursor INTEGER PRIMARY KEY, tenant INTEGER, type INTEGER, source INTEGER, time INTEGER, severity INTEGER,
    recorded INTEGER, id TEXT, subject TEXT, trace_id BLOB, span_id BLOB, data TEXT, extensions TEXT
);
"""


class Log:
    """The table of events in memory, read through filters."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.executescript(SCHEMA)
        register_functions(self.connection)

    def fill(self, events: list[Event], encode: Callable[[object], bytes] = dumps) -> None:
        self.connection.execute("DELETE FROM events")
        for cursor, event in enumerate(events, 1):
            codes = [self._code(table, getattr(event, table)) for table in ("tenant", "type", "source")]
            trace = bytes.fromhex(event.trace_id) if event.trace_id else None
            row = (cursor, *codes, event.time, event.severity, event.id, event.subject, trace)
            self.connection.execute(
                "INSERT INTO events(cursor, tenant, type, source, time, severity, id, subject, trace_id, data)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, encode(event.data).decode()),
            )

    def cursors(self, filter: Filter) -> list[int]:
        where, params = compile_where(filter, self._codes)
        return [row[0] for row in self.connection.execute(f"SELECT cursor FROM events WHERE {where}", params)]

    def _code(self, table: str, name: str) -> int:
        self.connection.execute(f"INSERT OR IGNORE INTO {table}s(name) VALUES (?)", (name,))
        return self.connection.execute(f"SELECT code FROM {table}s WHERE name = ?", (name,)).fetchone()[0]

    def _codes(self, column: str, accepts: Callable[[str], bool]) -> list[int]:
        return [code for code, name in self.connection.execute(f"SELECT code, name FROM {column}s") if accepts(name)]


@pytest.fixture(scope="module")
def log() -> Iterator[Log]:
    log = Log()
    yield log
    log.connection.close()


def standard_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def event(**fields: object) -> Event:
    plain = {"type": "t", "source": "s", "id": "1", "time": 0, "data": {}, "tenant": "default"}
    return Event(**{**plain, **fields})


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Event], list[Filter]]:
    events = draw(st.lists(strategies.events(), min_size=1, max_size=3))
    return events, [draw(strategies.filters(event)) for event in events]


@st.composite
def leaf_cases(draw: st.DrawFn) -> tuple[list[Event], list[Filter]]:
    """Single comparisons: a wrong one must not hide in a tree."""
    events = draw(st.lists(strategies.events(), min_size=1, max_size=3))
    comparisons = [draw(strategies.comparisons(event)) for event in events for _ in range(4)]
    return events, [Filter(tenant=ALL_TENANTS, where=comparison) for comparison in comparisons]


def check_agreement(log: Log, events: list[Event], filters: list[Filter], encode: Callable[[object], bytes]) -> None:
    log.fill(events, encode)
    for filter in filters:
        expected = [cursor for cursor, event in enumerate(events, 1) if filter.matches(event)]
        assert sorted(log.cursors(filter)) == expected, filter


@given(case=cases(), encode=st.sampled_from([dumps, standard_json]))
@settings(max_examples=300, deadline=None)
def test_sql_selects_exactly_the_events_that_match(
    log: Log, case: tuple[list[Event], list[Filter]], encode: Callable[[object], bytes]
) -> None:
    check_agreement(log, *case, encode)


@given(case=leaf_cases(), encode=st.sampled_from([dumps, standard_json]))
@settings(max_examples=300, deadline=None)
def test_every_comparison_means_the_same_in_sql(
    log: Log, case: tuple[list[Event], list[Filter]], encode: Callable[[object], bytes]
) -> None:
    check_agreement(log, *case, encode)


SCALARS = (0, 1, 1.0, 1.5, True, False, None, "", "a", "ab", "1", "true", "null", "[1]", '{"a":1}')
VALUES = (*SCALARS, [], [1], [1.5, True], ["a", None], [[1], {"a": 1}], {}, {"a": 1}, {"b": "a"})


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize(
    "shape",
    [
        lambda value: {"k.l": value},
        lambda value: {"k": {"l": value}},
        lambda value: {"k.l": value, "k": {"l": "a"}},
        lambda value: {"k": [{"l": value}]},
        lambda value: {"k": value},
    ],
    ids=["flat", "nested", "both", "in an array", "no such field"],
)
def test_every_kind_of_value_compares_with_every_other(
    log: Log, op: str, shape: Callable[[object], dict[str, object]]
) -> None:
    events = [event(data=shape(value)) for value in VALUES]
    wanted = [[value, "x"] for value in SCALARS] if op == "in" else [None] if op == "exists" else SCALARS
    comparisons = [Compare("data.k.l", op, w) for w in wanted if not any(find_problems("data.k.l", op, w))]
    check_agreement(log, events, [Filter(tenant=ALL_TENANTS, where=comparison) for comparison in comparisons], dumps)


@given(data=strategies.json_objects, value=strategies.scalars)
@settings(max_examples=300, deadline=None)
@example(data={"a": 9007199254740993}, value=9007199254740992.0)
@example(data={"a": 2**63 - 1}, value=2.0**63)
def test_numbers_near_the_limits_compare_exactly(log: Log, data: dict[str, object], value: object) -> None:
    data = {**data, "a": value, "b": [value]}
    log.fill([event(data=data)])
    for field in ("data.a", "data.b"):
        for other in (value, *data.values()):
            if isinstance(other, (int, float, str)) and not isinstance(other, bool):
                for op in ("eq", "ne", "gt", "gte", "lt", "lte", "contains"):
                    filter = Filter(tenant=ALL_TENANTS, where=Compare(field, op, other))
                    assert bool(log.cursors(filter)) == filter.matches(event(data=data)), filter


@pytest.mark.parametrize(
    "where",
    [
        Compare("data.a", "in", list(range(1000))),
        Compare("data.a", "in", [f"v{n}" for n in range(1000)]),
        And(tuple(Compare("data.a", "in", list(range(n, n + 1000))) for n in range(200))),
        Or(tuple(Compare(f"data.a.b{n}", "contains", "x") for n in range(200))),
    ],
    ids=["numbers", "strings", "many lists", "many comparisons"],
)
def test_the_largest_filters_stay_within_what_sqlite_takes(log: Log, where: Condition) -> None:
    log.fill([event(data={"a": 200})])
    for condition in (where, nested(where, 18)):
        filter = Filter(tenant="default", where=condition)
        assert bool(log.cursors(filter)) == filter.matches(event(data={"a": 200}))


def nested(condition: Condition, levels: int) -> Condition:
    for _ in range(levels):
        condition = Not(And((condition,)))
    return condition


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("\ufffe", "*\ufffd*"),
        ("\ufffd", "*\ufffd*"),
        ("[x", "[[]*x"),
        ("[x", "[*x"),
        ("ax", "[a]*"),
        ("a?b", "*?b"),
        ("ab", "a?*"),
    ],
)
def test_globs_know_no_character_but_the_star(log: Log, text: str, pattern: str) -> None:
    for field, seen in (("data.k", event(data={"k": text})), ("subject", event(subject=text))):
        log.fill([seen])
        filter = Filter(tenant="default", where=Compare(field, "glob", pattern))
        assert bool(log.cursors(filter)) == filter.matches(seen)


@pytest.mark.parametrize("key", ['a"b', "a\\b", "a.", ".a", "a..b", "a\tb", "a'b", "é", "$", "a[0]", "#", "\u2028"])
def test_strange_keys_are_found_flat_and_nested(log: Log, key: str) -> None:
    nested: object = 1
    for step in reversed(key.split(".")):
        nested = {step: nested}
    for data in ({key: 1}, nested, {key: None, "x": 1}, {key + "x": 1}):
        seen = event(data=data)
        log.fill([seen])
        for op in ("eq", "exists", "ne"):
            filter = Filter(tenant="default", where=Compare(f"data.{key}", op, None if op == "exists" else 1))
            assert bool(log.cursors(filter)) == filter.matches(seen)


def test_a_flat_null_hides_a_nested_value(log: Log) -> None:
    seen = event(data={"a.b": None, "a": {"b": "x"}})
    log.fill([seen])
    for op in ("eq", "ne", "prefix", "gte", "contains", "exists"):
        filter = Filter(tenant="default", where=Compare("data.a.b", op, None if op == "exists" else "x"))
        assert bool(log.cursors(filter)) == filter.matches(seen) == (op in ("ne", "exists"))


def test_values_are_bound_and_never_part_of_the_sql() -> None:
    marker = "x'); DROP TABLE events; --"
    where = Or(
        tuple(
            Compare(field, op, marker)
            for field in ("data.k", f"data.{marker}", f'data."{marker}', "subject", "id", "source", "trace_id")
            for op in ("eq", "ne", "prefix", "contains", "glob", "gt")
        )
    )
    sql, params = compile_where(Filter(tenant=marker, types=(marker,), where=where), lambda _column, _accepts: [1])
    assert "DROP" not in sql
    assert sql.count("?") == len(params)


def test_a_name_that_nobody_has_seen_matches_nothing_and_its_negation_everything(log: Log) -> None:
    log.fill([event()])
    unknown = Compare("type", "eq", "never.seen")
    assert log.cursors(Filter(tenant="default", where=unknown)) == []
    assert log.cursors(Filter(tenant="default", where=Not(unknown))) == [1]
    assert log.cursors(Filter(tenant="never seen")) == []


def test_a_trace_is_found_through_an_index_on_its_bytes(log: Log) -> None:
    where, params = compile_where(
        Filter(tenant=ALL_TENANTS, where=Compare("trace_id", "eq", strategies.TRACES[0])), log._codes
    )
    log.connection.execute("CREATE INDEX IF NOT EXISTS traces ON events(trace_id) WHERE trace_id IS NOT NULL")
    plan = log.connection.execute(f"EXPLAIN QUERY PLAN SELECT cursor FROM events WHERE {where}", params).fetchall()
    assert any("USING" in row[3] and "traces" in row[3] for row in plan), plan


def test_one_type_is_found_through_an_index_on_its_code(log: Log) -> None:
    log.fill([event(type="a"), event(type="b"), event(type="c")])
    log.connection.execute("CREATE INDEX IF NOT EXISTS by_type ON events(type, time)")
    for types in (("a",), ("a", "b")):
        where, params = compile_where(Filter(tenant=ALL_TENANTS, types=types), log._codes)
        plan = log.connection.execute(f"EXPLAIN QUERY PLAN SELECT cursor FROM events WHERE {where}", params).fetchall()
        assert any("by_type" in row[3] for row in plan), plan
