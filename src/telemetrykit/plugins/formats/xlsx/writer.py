"""Writes rows of any number into a workbook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ....contracts.exports import Row, WriterReport
from ..package import Package
from .sheets import Sheets

if TYPE_CHECKING:
    from .shell import Shell

#: So many rows are looked at to find how wide the columns are.
_SAMPLE = 100


class XlsxWriter:
    """Writes one workbook."""

    def __init__(self, package: Package, shell: Shell, sheets: Sheets, report: WriterReport) -> None:
        self._package = package
        self._shell = shell
        self._sheets = sheets
        self._report = report

    def write(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        if not self._report.rows:
            self._begin(rows[:_SAMPLE])
        self._sheets.write(rows)
        self._report.rows += len(rows)

    def close(self) -> WriterReport:
        if not self._report.rows:
            self._begin([])
        self._sheets.end()
        for name, content in self._shell.finish(self._report):
            self._package.put(name, content)
        self._package.close()
        return self._report

    def abandon(self) -> None:
        self._package.abandon()

    def _begin(self, sample: Sequence[Row]) -> None:
        self._shell.fit_widths(sample)
        self._sheets.begin()
