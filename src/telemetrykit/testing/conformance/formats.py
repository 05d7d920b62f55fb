"""What every export format must do. Subclass ``FormatConformance`` in a test module and give it one fixture."""

from __future__ import annotations

import errno
import io
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

import pytest

from ...contracts.exports import Document, Format, Row, WriterReport
from ...model.export import Column, ColumnType

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_SECOND = 1_000_000
#: 2026-11-21T09:30:00Z
_NOW = 1795253400 * _SECOND
_COLUMNS = (
    Column("cursor", ColumnType.INTEGER),
    Column("time", ColumnType.DATETIME),
    Column("type"),
    Column("amount", ColumnType.NUMBER),
    Column("paid", ColumnType.BOOLEAN),
    Column("data", ColumnType.JSON),
)
#: Whatever a host's source may come up with; lone surrogates, control characters and formulas among them.
ODD_TEXTS = (
    "",
    " ",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "a,b;c\"d'e",
    "line\nbreak\r\nand\rreturn",
    "null \x00 bell \x07 escape \x1b delete \x7f",
    "\ud800 half a pair \udfff",
    "\ufffe\uffff\u2028\u2029\u200b\ufeff",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 \u202eabc",
    "\u65e5\u672c\u8a9e \u0e44\u0e17\u0e22 \U0001f600 e\u0301",
    "&lt;b&gt; <b> ]]> &#13; _x0041_ %s {0} \\n",
    "long " * 8000,
    "x" * 40_000,
    "\U0001f600" * 20_000,
)
ODD_NUMBERS = (0, -1, 2**53, 2**53 + 1, -(2**63), 10**400, 0.1, -0.0, 5e-324, 1e308, math.nan, math.inf, -math.inf)
ODD_TIMES = (0, -1, _NOW + 999_999, -62_135_596_800_000_000, 253_402_300_799_999_999, -(10**18), 10**18)
ODD_JSON = (
    "{}",
    "[]",
    "-5",
    '"="',
    "null",
    '{"a": [{"b": {"c": [null, true, 1.5e300, "\\u0000\\ud800<&"]}}]}',
    "[" * 90 + "]" * 90,
)


class FormatCase(NamedTuple):
    """A format, and a way to look into its files."""

    format: Format
    #: The rows of a file, without the header, each cell as text; cells that hold only letters and digits come back
    #: as they were written.
    read: Callable[[bytes], Sequence[Sequence[str]]]
    #: The same rows in the same batches are the same bytes.
    deterministic: bool = True


class Written(NamedTuple):
    """A finished file."""

    data: bytes
    report: WriterReport


class _OneWay(io.RawIOBase):
    """A file that goes on and never back."""

    def __init__(self) -> None:
        self._data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        before = len(self._data)
        self._data += data
        return len(self._data) - before

    def getvalue(self) -> bytes:
        return bytes(self._data)


class _FullDisk(io.BytesIO):
    """A file on a disk that is full after some bytes."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    def write(self, data: ReadableBuffer, /) -> int:
        if self.tell() + memoryview(data).nbytes > self._at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


def make_document(columns: Sequence[Column] = _COLUMNS) -> Document:
    """A document of these columns."""
    return Document(title="Orders", columns=columns, summary=("type:order.*", "asked for by ana"), created_at=_NOW)


def make_rows(number: int, first: int = 1) -> list[Row]:
    """Plain rows of the usual columns, numbered from ``first``."""
    return [
        (n, _NOW + n * _SECOND, f"order{n}", n / 4, n % 2 == 0, f'{{"number":{n}}}')
        for n in range(first, first + number)
    ]


def write(format: Format, document: Document, *batches: Sequence[Row]) -> Written:
    """The file of some batches of rows; one that cannot seek, if the format says that it does not."""
    out = io.BytesIO() if format.seeks else _OneWay()
    writer = format.open(cast("BinaryIO", out), document)
    for batch in batches:
        writer.write(batch)
    report = writer.close()
    assert not out.closed, "the writer closed a file that is not its own"
    return Written(out.getvalue(), report)


class FormatConformance:
    """The suite. It asks for a fixture ``case`` that gives a FormatCase."""

    def test_it_says_what_it_is(self, case: FormatCase) -> None:
        assert isinstance(case.format, Format)
        assert case.format.name
        assert case.format.suffix.startswith(".")
        assert "/" in case.format.media_type

    def test_a_file_without_rows_is_a_file(self, case: FormatCase) -> None:
        written = write(case.format, make_document())
        assert list(case.read(written.data)) == []
        assert written.report == WriterReport()

    def test_one_row(self, case: FormatCase) -> None:
        written = write(case.format, make_document([Column("a"), Column("b")]), [("first", "second")])
        assert [list(row) for row in case.read(written.data)] == [["first", "second"]]
        assert written.report.rows == 1

    def test_one_column(self, case: FormatCase) -> None:
        written = write(case.format, make_document([Column("a")]), [("first",), ("second",)])
        assert [list(row) for row in case.read(written.data)] == [["first"], ["second"]]

    def test_many_batches_of_any_size_are_all_there_and_in_order(self, case: FormatCase) -> None:
        rows = make_rows(2500)
        written = write(case.format, make_document(), rows[:1], [], rows[1:1000], rows[1000:2000], rows[2000:])
        assert [row[2] for row in case.read(written.data)] == [f"order{n}" for n in range(1, 2501)]
        assert written.report.rows == 2500

    def test_the_same_rows_are_the_same_bytes(self, case: FormatCase) -> None:
        if not case.deterministic:
            pytest.skip("the format does not promise it")
        rows = make_rows(1500)
        first, second = (write(case.format, make_document(), rows[:1000], rows[1000:]) for _ in range(2))
        assert first == second

    def test_plain_rows_are_written_as_they_are(self, case: FormatCase) -> None:
        report = write(case.format, make_document(), make_rows(10)).report
        assert report == WriterReport(rows=10)

    def test_empty_cells_of_every_type(self, case: FormatCase) -> None:
        nothing = (None,) * (len(_COLUMNS) - 1)
        rows = [("first", *nothing), (None, None, None, None, None, None), ("last", *nothing)]
        columns = [Column("name"), *(column for column in _COLUMNS if column.name != "type")]
        written = write(case.format, make_document(columns), rows)
        assert written.report == WriterReport(rows=3)
        assert [row[0] for row in case.read(written.data) if any(row)] == ["first", "last"]

    @pytest.mark.parametrize("type", list(ColumnType))
    def test_no_value_is_too_odd(self, case: FormatCase, type: ColumnType) -> None:
        """In a column of its own type or of any other."""
        values = [*ODD_TEXTS, *ODD_NUMBERS, *ODD_TIMES, *ODD_JSON, True, False, None]
        if type is ColumnType.JSON:
            values = [*ODD_NUMBERS, *ODD_JSON, True, False, None]
        columns = [Column("name"), Column("odd", type), Column("end")]
        rows = [(f"a{n}", value, f"z{n}") for n, value in enumerate(values)]
        written = write(case.format, make_document(columns), rows)
        assert written.report.rows == len(rows)
        assert [(row[0], row[-1]) for row in case.read(written.data)] == [(row[0], row[-1]) for row in rows]

    @pytest.mark.parametrize("name", ["a,b", 'say "hi"', "100% {x} %s", "line\nbreak", "\u65e5\u672c", "<b>", "", "=x"])
    def test_odd_names_of_columns(self, case: FormatCase, name: str) -> None:
        written = write(
            case.format, make_document([Column("a"), Column(name), Column("z")]), [("first", "odd", "last")]
        )
        assert [list(row) for row in case.read(written.data)] == [["first", "odd", "last"]]

    def test_a_row_of_another_width_is_refused(self, case: FormatCase) -> None:
        for rows in ([("a", "b", "c")], [("a", "b"), ("a",)]):
            writer = case.format.open(io.BytesIO(), make_document([Column("a"), Column("b")]))
            with pytest.raises(ValueError, match="cells"):
                writer.write(rows)
            writer.abandon()

    def test_another_thread_may_go_on(self, case: FormatCase) -> None:
        out = io.BytesIO()
        writer = case.format.open(out, make_document())
        for first in (1, 1001):
            with ThreadPoolExecutor(1) as thread:
                thread.submit(writer.write, make_rows(1000, first)).result()
        assert writer.close().rows == 2000
        assert len(case.read(out.getvalue())) == 2000

    @pytest.mark.parametrize("rows", [0, 1, 5000])
    def test_a_file_that_is_given_up_leaves_nothing_behind(
        self, case: FormatCase, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        out = io.BytesIO()
        writer = case.format.open(out, make_document())
        writer.write(make_rows(rows))
        writer.abandon()
        writer.abandon()
        assert not out.closed
        assert list(tmp_path.iterdir()) == []

    def test_a_file_that_is_finished_leaves_nothing_else_behind(
        self, case: FormatCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        out = io.BytesIO()
        writer = case.format.open(out, make_document())
        writer.write(make_rows(3))
        writer.close()
        finished = out.getvalue()
        writer.abandon()
        assert out.getvalue() == finished
        assert list(tmp_path.iterdir()) == []

    def test_a_file_can_be_given_up_when_its_disk_is_full(self, case: FormatCase) -> None:
        out = _FullDisk(at=20_000)
        with pytest.raises(OSError, match="No space"):
            self._fill(case, out)

    def _fill(self, case: FormatCase, out: _FullDisk) -> None:
        writer = case.format.open(cast("BinaryIO", out), make_document())
        try:
            for first in range(1, 20_001, 1000):
                writer.write(make_rows(1000, first))
            writer.close()
        except OSError:
            writer.abandon()
            raise
