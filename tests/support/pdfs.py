"""Reads the table of a pdf export back, by the places of its texts and the maps of its fonts."""

from __future__ import annotations

import io
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from pypdf import PageObject, PdfReader
from pypdf.generic import ContentStream

#: Texts are compared with where columns begin, in points.
_TOLERANCE = 0.6


def rows_of(data: bytes) -> list[list[str]]:
    """The rows without the head. Parts of a row that is higher than a page are put together."""
    rows: list[list[str]] = []
    for page in PdfReader(io.BytesIO(data), strict=True).pages:
        for row in _Page(page).rows():
            if rows and not row[0] and any(row):
                rows[-1] = [before + after for before, after in zip(rows[-1], row, strict=True)]
            else:
                rows.append(row)
    return rows


def text_of(data: bytes) -> str:
    """All texts of all pages, as pypdf finds them."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data), strict=True).pages)


class _Page:
    """The texts of one page: blocks of operators from BT to ET."""

    def __init__(self, page: PageObject) -> None:
        resources: Any = page["/Resources"]
        self._fonts = {name: _codes(font.get_object()) for name, font in resources["/Font"].items()}
        self._blocks = list(_blocks(ContentStream(page.get_contents(), page.pdf)))

    def rows(self) -> Iterator[list[str]]:
        head = [block for framed, block in self._blocks if framed]
        lefts = [float(next(operands for operands, name in block if name == b"Td")[0]) for block in head]
        table = next(block for framed, block in self._blocks if not framed and any(name == b"TL" for _, name in block))
        moves = [(operands, name) for operands, name in table if name in (b"Td", b"Tj", b"Tf")]
        origin = float(moves[1][0][0]) - lefts[0]
        yield from self._table(moves, [left + origin for left in lefts])

    def _table(self, moves: list[tuple[Any, bytes]], lefts: list[float]) -> Iterator[list[str]]:
        x, font, row, placed = 0.0, "", [""] * len(lefts), False
        for operands, name in moves:
            if name == b"Tf":
                font = operands[0]
            elif name == b"Tj":
                row[bisect_right(lefts, x + _TOLERANCE) - 1] += self._decoded(font, operands[0])
            else:
                x += float(operands[0])
                if float(operands[1]) < 0 and placed:
                    yield row
                    row = [""] * len(lefts)
                placed = True

    def _decoded(self, font: str, shown: Any) -> str:
        width, codes = self._fonts[font]
        data = shown.original_bytes
        return "".join(codes[int.from_bytes(data[at : at + width])] for at in range(0, len(data), width))


def _blocks(content: ContentStream) -> Iterator[tuple[bool, list[tuple[Any, bytes]]]]:
    """Each block of text, and whether it is framed by q and Q, as the head of the table is."""
    depth, block, inside = 0, [], False
    for operands, name in content.operations:
        depth += (name == b"q") - (name == b"Q")
        if name == b"ET":
            yield depth > 0, block
        if name in (b"BT", b"ET"):
            block, inside = [], name == b"BT"
        elif inside:
            block.append((operands, name))


def _codes(font: Any) -> tuple[int, dict[int, str]]:
    """How many bytes a code of a font has, and what each says."""
    text = font["/ToUnicode"].get_data().decode()
    if font["/Subtype"] == "/TrueType":
        first, last, to = (int(n, 16) for n in re.findall(r"beginbfrange\s<(\w+)> <(\w+)> <(\w+)>", text)[0])
        return 1, {code: chr(to + code - first) for code in range(first, last + 1)}
    pairs = re.findall(r"<(\w{4})> <(\w+)>\n", "".join(re.findall(r"beginbfchar\n(.*?)endbfchar", text, re.DOTALL)))
    return 2, {int(code, 16): bytes.fromhex(to).decode("utf-16-be") for code, to in pairs}
