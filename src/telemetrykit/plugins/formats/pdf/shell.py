"""What a template draws with reportlab, as form XObjects of our file (ISO 32000-1, section 8.10)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any

from reportlab.pdfgen.canvas import Canvas

from ....contracts.exports import Document
from .file import PdfFile
from .template import PdfTemplate, Sheet

_FORM = re.compile(rb"/FormXob\.tk(\d+) (\d+) 0 R\b")
_REFERENCE = re.compile(rb"\b(\d+) 0 R\b")


def add_forms(file: PdfFile, template: PdfTemplate, sheet: Sheet, document: Document) -> tuple[int, int]:
    """Draw the template's two pages; the numbers of their forms."""

    def draw_first(canvas: Canvas) -> None:
        template.draw_first_page(canvas, sheet, document)

    def draw_other(canvas: Canvas) -> None:
        template.draw_page(canvas, sheet, document)

    first, other = _adopt(file, _draw((sheet.width, sheet.height), (draw_first, draw_other)))
    return first, other


def _draw(size: tuple[float, float], drawings: Sequence[Callable[[Canvas], None]]) -> bytes:
    """A pdf of one page, which does all forms."""
    canvas: Any = Canvas(BytesIO(), pagesize=size, pageCompression=1, invariant=1)
    for number, draw in enumerate(drawings):
        canvas.beginForm(f"tk{number}", 0, 0, *size)
        draw(canvas)
        canvas.endForm()
        canvas.doForm(f"tk{number}")
    canvas.showPage()
    return bytes(canvas.getpdfdata())


def _adopt(file: PdfFile, pdf: bytes) -> list[int]:
    """Copy the forms of a pdf that reportlab made, and what they refer to, under new numbers; those of the forms."""
    objects = _objects(pdf)
    forms = {int(name): int(number) for body in objects.values() for name, number in _FORM.findall(_dictionary(body))}
    numbers: dict[int, int] = {}
    waiting = list(forms.values())
    while waiting:
        old = waiting.pop()
        if old not in numbers:
            numbers[old] = file.reserve()
            waiting += map(int, _REFERENCE.findall(_dictionary(objects[old])))
    for old, new in numbers.items():
        file.write(new, _renumbered(objects[old], numbers))
    return [numbers[forms[name]] for name in sorted(forms)]


def _objects(pdf: bytes) -> dict[int, bytes]:
    """The objects by number, from the one table that reportlab writes at the end."""
    start = int(pdf[pdf.rindex(b"startxref") :].split()[1])
    count = int(pdf[start:].split(maxsplit=3)[2])
    table = pdf[start : pdf.index(b"trailer", start)].splitlines()[2 : 2 + count]
    places = {number: int(entry[:10]) for number, entry in enumerate(table) if entry[17:18] == b"n"}
    ends = dict(zip(sorted(places.values()), [*sorted(places.values())[1:], start], strict=True))
    return {number: _body(pdf[place : ends[place]]) for number, place in places.items()}


def _body(written: bytes) -> bytes:
    return written[written.index(b"obj") + 3 : written.rindex(b"endobj")].strip(b"\r\n")


def _dictionary(body: bytes) -> bytes:
    """What comes before the data of a stream."""
    return body.partition(b"\nstream")[0]


def _renumbered(body: bytes, numbers: Mapping[int, int]) -> bytes:
    head = _dictionary(body)
    return _REFERENCE.sub(lambda match: b"%d 0 R" % numbers[int(match[1])], head) + body[len(head) :]
