"""A source of rows that a function gives."""

from __future__ import annotations

import math
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest

from telemetrykit.contracts.context import Context
from telemetrykit.contracts.exports import Source
from telemetrykit.contracts.iterable_source import IterableSource
from telemetrykit.errors import InvalidRequest, JobFailed
from telemetrykit.model.export import Column, ColumnType, ExportRequest
from telemetrykit.model.filter import Filter

COLUMNS = (Column("n", ColumnType.INTEGER), Column("name"), Column("at", ColumnType.DATETIME))
NOBODY = cast("Context", None)


def request(**fields: Any) -> ExportRequest:
    return ExportRequest(source="stock", format="csv", filter=Filter(tenant="acme"), **fields)


async def rows_of(source: IterableSource, wanted: ExportRequest | None = None) -> list[tuple[Any, ...]]:
    return [tuple(row) async for batch in source.rows(wanted or request(), NOBODY) for row in batch.rows]


async def one_cell(type: ColumnType, value: object) -> object:
    ((cell,),) = await rows_of(IterableSource("stock", [Column("cell", type)], lambda _: [(value,)]))
    return cell


def test_it_is_a_source() -> None:
    source = IterableSource("stock", COLUMNS, lambda _: [], description="What is there.", permission="stock:read")
    assert isinstance(source, Source)
    assert (source.name, source.description, source.permission) == ("stock", "What is there.", "stock:read")
    assert list(source.columns(request())) == list(COLUMNS)


async def test_tuples_and_mappings_are_rows() -> None:
    source = IterableSource("stock", COLUMNS, lambda _: [(1, "a", 5), {"name": "b", "n": 2}, [3, None, None]])
    assert await rows_of(source) == [(1, "a", 5), (2, "b", None), (3, None, None)]


async def test_the_function_is_told_what_was_asked_for() -> None:
    source = IterableSource("stock", COLUMNS, lambda asked: [(1, str(asked.filter.tenant), None)])
    assert await rows_of(source) == [(1, "acme", None)]


async def test_the_fields_that_were_asked_for_come_in_their_order() -> None:
    source = IterableSource("stock", COLUMNS, lambda _: [(1, "a", 5)])
    assert await rows_of(source, request(fields=("at", "n"))) == [(5, 1)]


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="did you mean 'name'"):
        IterableSource("stock", COLUMNS, lambda _: []).columns(request(fields=("n", "nmae")))


async def test_an_iterable_is_read_in_one_thread_of_its_own_and_closed_there() -> None:
    threads = []

    def rows(_: ExportRequest) -> Iterator[Sequence[Any]]:
        try:
            for n in range(2_500):
                threads.append(threading.get_ident())
                yield n, None, None
        finally:
            threads.append(threading.get_ident())

    found = await rows_of(IterableSource("stock", COLUMNS, rows), request(limit=1_500))
    assert [row[0] for row in found] == list(range(1_500))
    assert len(set(threads)) == 1
    assert threading.get_ident() not in threads


async def test_an_asynchronous_iterable_is_read_and_closed_at_the_limit() -> None:
    closed = []

    async def rows(_: ExportRequest) -> AsyncIterator[Mapping[str, Any]]:
        try:
            for n in range(5_000):
                yield {"n": n}
        finally:
            closed.append(True)

    found = await rows_of(IterableSource("stock", COLUMNS, rows), request(limit=1_001))
    assert [row[0] for row in found] == list(range(1_001))
    assert closed == [True]


async def test_batches_are_of_a_thousand_rows_and_none_is_empty() -> None:
    source = IterableSource("stock", COLUMNS, lambda _: [(n, None, None) for n in range(2_000)])
    assert [len(batch.rows) async for batch in source.rows(request(), NOBODY)] == [1_000, 1_000]
    nothing = IterableSource("stock", COLUMNS, lambda _: [])
    assert [batch async for batch in nothing.rows(request(), NOBODY)] == []


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("2", "a", None), r"Row 3 of the source stock, column n: '2' is a str; give an int"),
        ((True, "a", None), "column n: True is a bool"),
        ((1, 5, None), "column name: 5 is a int; give a str"),
        ((1, "a", "today"), "column at: 'today' is a str; give a datetime with a time zone"),
        ((1, "a", datetime(2026, 1, 1)), "column at: the datetime has no time zone"),
        ((1, "a"), "Row 3 of the source stock, it has 2 values for 3 columns"),
        ({"n": 1, "nmae": "a"}, "unknown column 'nmae': did you mean 'name'"),
        ("abc", "it is a str; give a tuple"),
        (7, "it is a int; give a tuple"),
    ],
)
async def test_a_row_that_does_not_fit_fails_with_its_number_and_column(row: Any, words: str) -> None:
    source = IterableSource("stock", COLUMNS, lambda _: [(1, "a", None), (2, "b", None), row])
    with pytest.raises(JobFailed, match=words) as caught:
        await rows_of(source)
    assert caught.value.permanent


async def test_a_datetime_becomes_microseconds() -> None:
    moment = datetime(2026, 11, 21, 9, 30, tzinfo=timezone(timedelta(hours=2)))
    assert await one_cell(ColumnType.DATETIME, moment) == int(moment.astimezone(UTC).timestamp()) * 1_000_000


async def test_what_stands_in_a_json_column_is_compact_json_text() -> None:
    assert await one_cell(ColumnType.JSON, {"a": [1, None]}) == '{"a":[1,null]}'
    assert await one_cell(ColumnType.JSON, '{\n "a": 1.0 }') == '{"a":1.0}'
    assert await one_cell(ColumnType.JSON, None) is None
    assert await one_cell(ColumnType.ANY, ["é"]) == '["é"]'


@pytest.mark.parametrize("value", ["{", "NaN", 5, {"a": object()}, {"a": math.inf}])
async def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(JobFailed, match="column cell: "):
        await one_cell(ColumnType.JSON, value)


async def test_numbers_booleans_and_values_of_any_type_pass_as_they_are() -> None:
    assert await one_cell(ColumnType.NUMBER, 1.5) == 1.5
    assert await one_cell(ColumnType.NUMBER, 2) == 2
    assert await one_cell(ColumnType.BOOLEAN, True) is True
    assert [await one_cell(ColumnType.ANY, value) for value in (1, 1.5, "a", False, None)] == [1, 1.5, "a", False, None]


@pytest.mark.parametrize("columns", [[], [Column("a"), Column("a")]])
def test_columns_have_names_of_their_own(columns: list[Column]) -> None:
    with pytest.raises(ValueError, match="columns"):
        IterableSource("stock", columns, lambda _: [])
