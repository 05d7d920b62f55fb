"""Filters as SQL for SQLite 3.38 and later, with exactly the verdicts of ``Filter.matches``.

Every clause is two-valued: what is missing is false, never NULL, so that NOT means what it says. Values are always
bound. tenant, type and source are integer codes in the table; whoever holds the names resolves them.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

from ...model.compare import Compare
from ...model.conditions import And, Condition, Not, Or, cheapest_first
from ...model.filter import ALL_TENANTS, Filter
from ...model.glob import any_glob_test, glob_test
from ...model.predicate import data_test, value_test
from ...runtime.codec import dumps, loads

Coded: TypeAlias = Literal["tenant", "type", "source"]
#: The codes of the names in one coded column that a test accepts. It must know every name that the rows to be read use.
Codes: TypeAlias = Callable[[Coded, Callable[[str], bool]], Sequence[int]]

_ORDER = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_NUMBERS = ("integer", "real")
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
# SQLite's JSON paths cannot spell these keys alike in all versions.
_UNSPEAKABLE = re.compile(r'["\\\x00-\x1f]|^\.|\.\.|\.$|^$')
# SQLite's GLOB takes these three characters for one another.
_CONFUSABLE = re.compile("[\ufffd-\uffff]")


class Clause(NamedTuple):
    """A piece of SQL and the values for its question marks."""

    sql: str
    params: tuple[object, ...] = ()


_TRUE = Clause("1")
# A value and not the word 0: where SQLite knows beforehand that a condition is false it forgets those beside it, and
# then cannot use a partial index that it was told to use.
_FALSE = Clause("?", (0,))


def compile_where(filter: Filter, codes: Codes) -> tuple[str, list[object]]:
    """The WHERE expression of a filter over the table ``events``, and its parameters in order.

    The connection must have the functions of :func:`register_functions`.
    """
    clauses = [*_tenant_and_types(filter, codes)]
    if filter.severity is not None:
        clauses.append(Clause("severity >= ?", (filter.severity,)))
    if filter.since is not None:
        clauses.append(Clause("time >= ?", (filter.since,)))
    if filter.until is not None:
        clauses.append(Clause("time < ?", (filter.until,)))
    if filter.where is not None:
        clauses.append(_condition(filter.where, codes))
    where = _join(" AND ", clauses) if clauses else _TRUE
    return where.sql, list(where.params)


def register_functions(connection: sqlite3.Connection) -> None:
    """Teach a connection the two functions that stand in where SQLite cannot say exactly what a filter means."""

    @lru_cache(maxsize=256)
    def compare_of(key: str, op: str, value: str) -> Callable[[Mapping[str, Any]], bool]:
        return data_test(key, op, loads(value))

    connection.create_function(
        "telemetrykit_compare",
        4,
        lambda data, key, op, value: compare_of(key, op, value)(loads(data)),
        deterministic=True,
    )
    glob_of = lru_cache(maxsize=256)(glob_test)
    connection.create_function(
        "telemetrykit_glob",
        2,
        lambda pattern, text: isinstance(text, str) and glob_of(pattern)(text),
        deterministic=True,
    )


def _tenant_and_types(filter: Filter, codes: Codes) -> Iterable[Clause]:
    if filter.tenant is not ALL_TENANTS:
        yield _one_of("tenant", codes("tenant", filter.tenant.__eq__))
    if filter.types:
        yield _one_of("type", codes("type", any_glob_test(filter.types)))


def _condition(condition: Condition, codes: Codes) -> Clause:
    match condition:
        case Compare():
            return _compare(condition, codes)
        case Not(part):
            return _negated(_condition(part, codes))
        case And(parts):
            return _join(" AND ", [_condition(part, codes) for part in cheapest_first(parts)]) if parts else _TRUE
        case Or(parts):
            return _join(" OR ", [_condition(part, codes) for part in cheapest_first(parts)]) if parts else _FALSE


def _compare(compare: Compare, codes: Codes) -> Clause:
    op, value = compare.op, compare.value
    match compare.field:
        case "type" | "source" as column:
            return _coded(column, op, value, codes)
        case "severity":
            return _severity(op, value)
        case "id" | "subject" as column:
            return _text_column(column, op, value)
        case "trace_id":
            return _trace_id(op, value)
        case "text":
            return _mention(str(value))
    return _data(compare.field.removeprefix("data."), op, value)


def _coded(column: Literal["type", "source"], op: str, value: Any, codes: Codes) -> Clause:
    if op == "exists":
        return _TRUE
    if op == "ne":
        return _negated(_coded(column, "eq", value, codes))
    return _one_of(column, codes(column, value_test(op, value)))


def _severity(op: str, value: Any) -> Clause:
    if op == "exists":
        return _TRUE
    if op == "ne":
        return Clause("severity <> ?", (value,))
    if op in ("eq", "in"):
        return _one_of("severity", value if op == "in" else (value,))
    return Clause(f"severity {_ORDER[op]} ?", (value,))


def _trace_id(op: str, value: Any) -> Clause:
    if op == "eq" and isinstance(value, str):
        # As bytes, so that the index over traces serves.
        known = _TRACE_ID.fullmatch(value)
        return Clause("(trace_id IS NOT NULL AND trace_id = ?)", (bytes.fromhex(value),)) if known else _FALSE
    return _text_column("nullif(lower(hex(trace_id)), '')", op, value)


def _text_column(column: str, op: str, value: Any) -> Clause:
    present = Clause(f"{column} IS NOT NULL")
    if op == "exists":
        return present
    if op == "ne":
        return _join(" AND ", [present, _negated(_text_column(column, "eq", value))])
    if op in ("eq", "in"):
        texts = [member for member in (value if op == "in" else (value,)) if isinstance(member, str)]
        # Not ifnull(), which would hide the column from an index.
        return _join(" AND ", [present, _one_of(column, texts)])
    return _two_valued(_scalar_test(Clause(column), op, value)) if isinstance(value, str) else _FALSE


def _mention(needle: str) -> Clause:
    # What is in a string of data is in its JSON too, escaped: that is quick to rule out without parsing.
    escaped = dumps(needle).decode()[1:-1]
    return Clause(
        "(ifnull(instr(subject, ?) > 0, 0) OR (instr(data, ?) > 0 AND EXISTS (SELECT 1 FROM json_tree(data) AS part"
        " WHERE part.type = 'text' AND instr(part.atom, ?) > 0)))",
        (needle, escaped, needle),
    )


class _Place(NamedTuple):
    """Where in ``data`` a key is: its JSON path, the type there (NULL if nothing is), the value there.

    The value is to be asked for only where the type is none of 'null', 'object' and 'array'.
    """

    path: Clause
    kind: Clause
    found: Clause


def _place(key: str) -> _Place:
    flat = f'$."{key}"'
    if "." not in key:
        return _Place(
            Clause("?", (flat,)), Clause("json_type(data, ?)", (flat,)), Clause("json_extract(data, ?)", (flat,))
        )
    nested = "$" + "".join(f'."{step}"' for step in key.split("."))
    return _Place(
        Clause("CASE WHEN json_type(data, ?) IS NULL THEN ? ELSE ? END", (flat, nested, flat)),
        Clause("coalesce(json_type(data, ?), json_type(data, ?))", (flat, nested)),
        Clause("coalesce(json_extract(data, ?), json_extract(data, ?))", (flat, nested)),
    )


def _data(key: str, op: str, value: Any) -> Clause:
    if _UNSPEAKABLE.search(key):
        return Clause("telemetrykit_compare(data, ?, ?, ?)", (key, op, dumps(value).decode()))
    place = _place(key)
    match op:
        case "exists":
            return Clause(f"{place.kind.sql} IS NOT NULL", place.kind.params)
        case "ne":
            return _join(" AND ", [_data(key, "exists", None), _negated(_equals(place, (value,)))])
        case "eq" | "in":
            return _equals(place, value if op == "in" else (value,))
        case "contains":
            return _contains(place, value)
    return _of_kind(place, _kinds(value), _scalar_test(place.found, op, value))


def _equals(place: _Place, values: Sequence[Any]) -> Clause:
    texts = [value for value in values if isinstance(value, str)]
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    constants = [_kinds(value)[0] for value in values if value is None or isinstance(value, bool)]
    clauses = [
        _of_kind(place, kinds, _one_of(place.found.sql, members, place.found.params))
        for kinds, members in ((("text",), texts), (_NUMBERS, numbers))
        if members
    ]
    if constants:
        clauses.append(_two_valued(_one_of(place.kind.sql, constants, place.kind.params)))
    if len(texts) == len(values) == 1:
        # Where the string is nowhere in the JSON nothing need be parsed.
        clauses = [_join(" AND ", [Clause("instr(data, ?) > 0", (dumps(texts[0]).decode(),)), *clauses])]
    return _join(" OR ", clauses) if clauses else _FALSE


def _contains(place: _Place, value: Any) -> Clause:
    kinds = ", ".join(f"'{kind}'" for kind in _kinds(value))
    equal = "" if isinstance(value, bool) else " AND member.atom = ?"
    member = Clause(
        f"EXISTS (SELECT 1 FROM json_each(data, {place.path.sql}) AS member"  # noqa: S608 - all of it is written here
        f" WHERE member.type IN ({kinds}){equal})",
        (*place.path.params, *(() if isinstance(value, bool) else (value,))),
    )
    inside = _of_kind(place, ("array",), member)
    if not isinstance(value, str):
        return inside
    return _join(" OR ", [_of_kind(place, ("text",), _scalar_test(place.found, "contains", value)), inside])


def _kinds(value: Any) -> tuple[str, ...]:
    """SQLite's names for the JSON types that compare with a value."""
    if value is None:
        return ("null",)
    if isinstance(value, bool):
        return ("true",) if value else ("false",)
    return ("text",) if isinstance(value, str) else _NUMBERS


def _of_kind(place: _Place, kinds: Sequence[str], test: Clause) -> Clause:
    words = ", ".join(f"'{kind}'" for kind in kinds)
    return _two_valued(_join(" AND ", [Clause(f"{place.kind.sql} IN ({words})", place.kind.params), test]))


def _scalar_test(found: Clause, op: str, value: Any) -> Clause:
    match op:
        case "prefix":
            return Clause(f"substr({found.sql}, 1, ?) = ?", (*found.params, len(value), value))
        case "contains":
            return Clause(f"instr({found.sql}, ?) > 0", (*found.params, value))
        case "glob" if _CONFUSABLE.search(value):
            return Clause(f"telemetrykit_glob(?, {found.sql})", (value, *found.params))
        case "glob":
            return Clause(f"{found.sql} GLOB ?", (*found.params, re.sub(r"[\[?]", r"[\g<0>]", value)))
    return Clause(f"{found.sql} {_ORDER[op]} ?", (*found.params, value))


def _one_of(expression: str, values: Sequence[object], params: tuple[object, ...] = ()) -> Clause:
    if not values:
        return _FALSE
    if len(values) == 1:
        return Clause(f"{expression} = ?", (*params, values[0]))
    # One parameter however many values: SQLite counts them.
    listed = "IN (SELECT value FROM json_each(?))"
    return Clause(f"{expression} {listed}", (*params, dumps(values).decode()))


def _join(word: Literal[" AND ", " OR "], clauses: Sequence[Clause]) -> Clause:
    sql = word.join(clause.sql for clause in clauses)
    return Clause(f"({sql})", tuple(param for clause in clauses for param in clause.params))


def _negated(clause: Clause) -> Clause:
    return Clause(f"NOT ({clause.sql})", clause.params)


def _two_valued(clause: Clause) -> Clause:
    return Clause(f"ifnull({clause.sql}, 0)", clause.params)
