"""What stands around the rows of a docx file: styles, page, title, summary, the table and its head.

python-docx makes it, of a document without rows. This module needs it; nobody else imports it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import docx
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.shared import Emu, Pt

from ....contracts.exports import Document
from ....errors import ConfigurationError
from ....model.event import EPOCH, rfc3339
from ..cells import NO_ROWS, Texts, clean_xml
from ..widths import NUMERIC, shared_widths, wanted_width
from .look import CELL_STYLE, SIZE, TABLE_STYLE, dress

#: About the widths of characters in Arial, in ems; bold is wider.
_NARROW, _USUAL, _WIDE, _BOLD = 0.3, 0.56, 0.72, 1.08
_NARROW_ONES = frozenset(" !'(),-./:;I[\\]`fijlrt{|}\"")
#: Left and right of the text of a cell together.
_GAP = Pt(9)
#: Above the table, and below one that has no rows.
_SPACE = Pt(8)


class Shell:
    """The document of one export."""

    def __init__(self, document: Document, template: Path | None) -> None:
        """Raises ConfigurationError for a template that cannot be read."""
        #: Characters of title, summary and head that XML does not have.
        self.replaced = 0
        self._types = [column.type for column in document.columns]
        self._names = [self._clean(column.name) for column in document.columns]
        self._title = self._clean(document.title)
        self._summary = [self._clean(line) for line in document.summary]
        self._moment = rfc3339(document.created_at)
        self._doc: Any = docx.Document() if template is None else _load(template)
        _describe(self._doc.core_properties, self._title, document.created_at)
        if template is None:
            moment = f"Generated {self._moment[:16].replace('T', ' ')} UTC"
            dress(self._doc, self._title, moment, len(document.columns))

    @property
    def cell_style(self) -> str | None:
        """The id of the paragraph style of cells."""
        style = self._style(CELL_STYLE, WD_STYLE_TYPE.PARAGRAPH)
        return None if style is None else str(style.style_id)

    def parts(self, sample: Sequence[Texts]) -> dict[str, bytes]:
        """The files of the package; the last table of the document has its head and no other rows. Columns are as
        wide as a sample of their texts wants."""
        doc = self._doc
        doc.add_paragraph(self._title, self._style("Title", WD_STYLE_TYPE.PARAGRAPH))
        for line in self._summary:
            doc.add_paragraph(line, self._style("Subtitle", WD_STYLE_TYPE.PARAGRAPH))
        doc.paragraphs[-1].paragraph_format.space_after = _SPACE
        self._add_table(self._widths(sample))
        if not any(sample):
            doc.add_paragraph(NO_ROWS).paragraph_format.space_before = _SPACE
        saved = io.BytesIO()
        doc.save(saved)
        with zipfile.ZipFile(saved) as package:
            return {name: package.read(name) for name in package.namelist()}

    def _add_table(self, widths: Sequence[int]) -> None:
        table = self._doc.add_table(1, len(widths), self._style(TABLE_STYLE, WD_STYLE_TYPE.TABLE))
        table.autofit = False
        style = self._style(CELL_STYLE, WD_STYLE_TYPE.PARAGRAPH)
        for column, width, name, type in zip(table.columns, widths, self._names, self._types, strict=True):
            column.width = width
            paragraph = column.cells[0].paragraphs[0]
            paragraph.style = style
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if type in NUMERIC else None
            paragraph.add_run(name).bold = True
        (head,) = self._doc.element.body.tbl_lst[-1].tr_lst
        properties = head.get_or_add_trPr()
        for name in ("w:cantSplit", "w:tblHeader"):
            properties.append(OxmlElement(name))

    def _widths(self, sample: Sequence[Texts]) -> list[int]:
        section = self._doc.sections[-1]
        room = section.page_width - section.left_margin - section.right_margin
        wanted = [
            wanted_width(_measure(name) * _BOLD, type, texts, _measure) + _GAP
            for name, type, texts in zip(self._names, self._types, sample, strict=True)
        ]
        return [Emu(int(width)) for width in shared_widths(wanted, room)]

    def _style(self, name: str, type: WD_STYLE_TYPE) -> Any:
        return next((style for style in self._doc.styles if style.type == type and style.name == name), None)

    def _clean(self, text: str) -> str:
        clean, replaced = clean_xml(text)
        self.replaced += replaced
        return clean


def _load(template: Path) -> Any:
    try:
        return docx.Document(str(template))
    except Exception as error:
        raise ConfigurationError(f"the template {template} cannot be read: name a .docx file") from error


def _measure(text: str) -> float:
    return sum(map(_width, text)) * Pt(SIZE)


def _width(character: str) -> float:
    if character in _NARROW_ONES:
        return _NARROW
    return _WIDE if character.isupper() or character in "mw%@" or character > "\u2e80" else _USUAL


def _describe(properties: Any, title: str, created_at: int) -> None:
    moment = (EPOCH + timedelta(microseconds=created_at)).replace(tzinfo=None, microsecond=0)
    properties.title = title[:255]
    properties.author = properties.last_modified_by = "telemetrykit"
    properties.comments = ""
    properties.created = properties.modified = moment
    properties.revision = 1
