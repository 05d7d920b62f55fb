"""The sheets of data of an xlsx file, filled one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ....contracts.exports import Row
from ..package import Package
from .rows import RowCells

if TYPE_CHECKING:
    from .shell import Shell

#: A sheet ends here, before the 2 GiB that an entry can have; a batch may still go beyond.
_MAX_BYTES = 1_500_000_000


class Sheets:
    """Writes rows; where a sheet is full, the next one begins, with the same header."""

    def __init__(self, package: Package, shell: Shell, cells: RowCells, max_rows: int) -> None:
        """``max_rows`` counts without the header."""
        self._package = package
        self._shell = shell
        self._cells = cells
        self._max_rows = max_rows
        self._number = 0
        self._rows = 0
        self._bytes = 0

    def begin(self) -> None:
        """Begin the next sheet."""
        self._number += 1
        name, head = self._shell.begin_sheet(self._number)
        self._package.begin(name)
        self._package.write(head)
        self._rows, self._bytes = 0, len(head)

    def end(self) -> None:
        """End the sheet that was begun last."""
        self._package.write(self._shell.end_sheet(self._rows))
        self._package.end()

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows into the sheet that was begun last, and what it cannot hold into further ones."""
        start = 0
        while start < len(rows):
            if self._rows == self._max_rows or self._bytes > _MAX_BYTES:
                self.end()
                self.begin()
            taken = rows[start : start + self._max_rows - self._rows]
            data = self._cells.convert(taken).encode()
            self._package.write(data)
            self._rows += len(taken)
            self._bytes += len(data)
            start += len(taken)
