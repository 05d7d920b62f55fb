"""Every format that ships does what a format must do."""

from __future__ import annotations

import csv
import io
import json

import openpyxl
import pytest

from telemetrykit.plugins.formats.csv import CsvFormat
from telemetrykit.plugins.formats.json import JsonFormat
from telemetrykit.plugins.formats.jsonl import JsonLinesFormat
from telemetrykit.plugins.formats.xlsx import XlsxFormat
from telemetrykit.testing.conformance.formats import FormatCase, FormatConformance


def read_csv(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))[1:]


def read_json(data: bytes) -> list[list[str]]:
    return [["" if cell is None else str(cell) for cell in each.values()] for each in json.loads(data)]


def read_jsonl(data: bytes) -> list[list[str]]:
    return read_json(b"[" + b",".join(data.split(b"\n")[:-1]) + b"]")


def read_xlsx(data: bytes) -> list[list[str]]:
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
    rows = [row for name in book.sheetnames[:-1] for row in list(book[name].iter_rows(values_only=True))[1:]]
    return [["" if cell is None else str(cell) for cell in row] for row in rows]


@pytest.fixture(autouse=True)
def long_cells() -> None:
    csv.field_size_limit(1_000_000)


class TestCsv(FormatConformance):
    @pytest.fixture
    def case(self) -> FormatCase:
        return FormatCase(CsvFormat(), read_csv)


class TestJson(FormatConformance):
    @pytest.fixture
    def case(self) -> FormatCase:
        return FormatCase(JsonFormat(), read_json)


class TestJsonLines(FormatConformance):
    @pytest.fixture
    def case(self) -> FormatCase:
        return FormatCase(JsonLinesFormat(), read_jsonl)


class TestXlsx(FormatConformance):
    @pytest.fixture
    def case(self) -> FormatCase:
        return FormatCase(XlsxFormat(), read_xlsx)


class TestXlsxOfSmallSheets(FormatConformance):
    @pytest.fixture
    def case(self) -> FormatCase:
        return FormatCase(XlsxFormat(sheet_rows=700), read_xlsx)
