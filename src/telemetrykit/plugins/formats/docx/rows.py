"""The rows of a docx table as XML (ECMA-376 part 1, section 17.4). The grid of the table tells how wide cells are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, repeat

from ....contracts.exports import Row, WriterReport
from ....model.export import Column, ColumnType
from ..cells import Texts, clean_xml, escape_xml, shorten, to_texts, turn
from ..widths import NUMERIC

#: A cell of more characters is cut.
LONGEST = 100_000
#: A row goes to the next page rather than over two; one that is higher than a page is broken all the same.
_ROW, _ROW_END = "<w:tr><w:trPr><w:cantSplit/></w:trPr>", "</w:tr>"
_TEXT, _SPACED = "<w:t>", '<w:t xml:space="preserve">'
_CELL_END = "</w:t></w:r></w:p></w:tc>"
_BREAK, _TAB = (f"</w:t><w:{name}/>{_SPACED}" for name in ("br", "tab"))


class Rows:
    """Makes rows to XML, and counts in a report what it had to change."""

    def __init__(self, columns: Sequence[Column], style: str | None, report: WriterReport) -> None:
        """``style`` is the id of the paragraph style of cells, None for the document's default."""
        self._report = report
        self._converters = [to_texts(column.type) for column in columns]
        self._cells = [f"<w:tc><w:p>{_properties(column.type, style)}<w:r>" for column in columns]

    def convert(self, rows: Sequence[Row]) -> bytes:
        columns = turn(rows, len(self._cells))
        parts: list[Iterable[str]] = []
        between = _ROW
        for cell, to_text, values in zip(self._cells, self._converters, columns, strict=True):
            texts = self._clean(to_text(values))
            whole = "".join(texts)
            begin = _SPACED if _needs_spaces(whole, texts) else _TEXT
            parts += repeat(between + cell + begin, len(rows)), _escaped(texts, whole)
            between = _CELL_END
        parts.append(repeat(between + _ROW_END, len(rows)))
        return "".join(chain.from_iterable(zip(*parts, strict=True))).encode()

    def _clean(self, texts: Texts) -> Texts:
        """Texts of characters that XML has, no longer than a cell may be."""
        if max(map(len, texts), default=0) > LONGEST:
            short = [shorten(text, LONGEST) for text in texts]
            self._report.shortened_cells += sum(map(str.__ne__, short, texts))
            texts = short
        if "".join(texts).isprintable():
            return texts
        cleaned = list(map(clean_xml, texts))
        self._report.replaced_characters += sum(replaced for _, replaced in cleaned)
        return [text for text, _ in cleaned]


def _properties(type: ColumnType, style: str | None) -> str:
    """Of the paragraph in a cell."""
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    right = '<w:jc w:val="right"/>' if type in NUMERIC else ""
    return f"<w:pPr>{named}{right}</w:pPr>" if named or right else ""


def _needs_spaces(whole: str, texts: Texts) -> bool:
    """Whether a reader would drop spaces that it is not told to keep."""
    return " " in whole and any(text != text.strip() or "  " in text for text in texts)


def _escaped(texts: Texts, whole: str) -> Texts:
    if whole.isprintable() and not ("&" in whole or "<" in whole or ">" in whole):
        return texts
    return [_escape(text) for text in texts]


def _escape(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return escape_xml(lines).replace("\n", _BREAK).replace("\t", _TAB)
