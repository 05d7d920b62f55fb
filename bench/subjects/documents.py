"""CPU time and memory of writing rows to documents. ``python -m bench.subjects.documents WAY``"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from ..lines import serve
from .exports import COLUMNS, CsvWriter, Exports, Kit, Row, Way

#: Widths of the columns in points, for peers that cannot find them.
_WIDTHS = (45, 75, 60, 40, 40, 110, 80, 320)


class Platypus(Way):
    """One Table with wrapped cells, its head repeated."""

    def write(self, path: Path, batches: Iterator[list[Row]]) -> None:
        from reportlab.lib import colors
        from reportlab.lib.pagesizes import A4, landscape
        from reportlab.lib.styles import getSampleStyleSheet
        from reportlab.platypus import Paragraph, SimpleDocTemplate, Table, TableStyle

        style = getSampleStyleSheet()["BodyText"]
        style.fontSize, style.leading = 7.5, 9.5
        rows: list[Any] = [list(COLUMNS)]
        for *plain, data in chain.from_iterable(batches):
            rows.append([*map(str, plain), Paragraph(data, style)])
        table = Table(rows, colWidths=_WIDTHS, repeatRows=1)
        table.setStyle(
            TableStyle([("FONTSIZE", (0, 0), (-1, -1), 7.5), ("LINEBELOW", (0, 0), (-1, -1), 0.4, colors.grey)])
        )
        SimpleDocTemplate(str(path), pagesize=landscape(A4)).build([table])


class PlainPlatypus(Way):
    """One Table of texts that are not wrapped."""

    def write(self, path: Path, batches: Iterator[list[Row]]) -> None:
        from reportlab.lib.pagesizes import A4, landscape
        from reportlab.platypus import SimpleDocTemplate, Table

        rows = [COLUMNS, *([str(value) for value in row] for row in chain.from_iterable(batches))]
        SimpleDocTemplate(str(path), pagesize=landscape(A4)).build([Table(rows, colWidths=_WIDTHS, repeatRows=1)])


class Canvas(Way):
    """Each text drawn at its place; long ones are not wrapped."""

    def write(self, path: Path, batches: Iterator[list[Row]]) -> None:
        from reportlab.lib.pagesizes import A4, landscape
        from reportlab.pdfgen.canvas import Canvas

        height = landscape(A4)[1]
        canvas = Canvas(str(path), pagesize=landscape(A4))
        y = 0.0
        for row in chain.from_iterable(batches):
            if y < 36:
                if y:
                    canvas.showPage()
                canvas.setFont("Helvetica", 7.5)
                y = height - 36
            x = 36.0
            for value, width in zip(row, _WIDTHS, strict=True):
                canvas.drawString(x, y, str(value))
                x += width
            y -= 14
        canvas.save()


class PythonDocx(Way):
    """Rows that are added one by one."""

    def write(self, path: Path, batches: Iterator[list[Row]]) -> None:
        import docx

        document = docx.Document()
        table = document.add_table(1, len(COLUMNS))
        for row in [COLUMNS, *chain.from_iterable(batches)]:
            for cell, value in zip(table.add_row().cells, row, strict=True):
                cell.text = str(value)
        document.save(str(path))


class MadePythonDocx(Way):
    """The table is made with all its rows, which are then looked up but once."""

    def write(self, path: Path, batches: Iterator[list[Row]]) -> None:
        import docx

        rows = [COLUMNS, *chain.from_iterable(batches)]
        document = docx.Document()
        table = document.add_table(len(rows), len(COLUMNS))
        for cell, value in zip(table._cells, chain.from_iterable(rows), strict=True):
            cell.text = str(value)
        document.save(str(path))


#: Every way by name: what makes it, and with what.
WAYS: dict[str, tuple[type[Way], tuple[str, ...]]] = {
    "csv.writer": (CsvWriter, ()),
    "telemetrykit pdf": (Kit, ("pdf",)),
    "reportlab platypus, wrapped": (Platypus, ()),
    "reportlab platypus, not wrapped": (PlainPlatypus, ()),
    "reportlab canvas, not wrapped": (Canvas, ()),
    "telemetrykit docx": (Kit, ("docx",)),
    "python-docx, add_row": (PythonDocx, ()),
    "python-docx, made at once": (MadePythonDocx, ()),
}


def main(name: str) -> None:
    make, arguments = WAYS[name]
    with tempfile.TemporaryDirectory(dir=Path.cwd() / "bench" / ".cache") as folder:
        serve({"run": Exports(make(*arguments), Path(folder)).run})


if __name__ == "__main__":
    main(sys.argv[1])
