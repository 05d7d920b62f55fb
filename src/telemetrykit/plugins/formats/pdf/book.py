"""A pdf but for its rows: pages with their furniture, fonts and forms. Needs reportlab."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from ....contracts.exports import Document
from ....model.event import rfc3339
from .file import PdfFile
from .font import Face
from .font_objects import write_face
from .furniture import Furniture
from .pages import Pages, add_catalog, add_info
from .shell import add_forms
from .template import PdfTemplate
from .text import Style
from .typeface import Typeface

_FONTS = Path(__file__).with_name("fonts")


class Book:
    """Takes the table of each page and writes the page; what is known only at the end, it writes there."""

    def __init__(self, out: BinaryIO, document: Document, template: PdfTemplate, faces: tuple[Face, ...]) -> None:
        """``faces`` are the host's own, if any, then ours, regular and bold."""
        *own, regular, bold = faces
        self.sheet = template.sheet(len(document.columns))
        self.regular = Style(Typeface([*own, regular]), template.size, template.leading)
        self.bold = Style(Typeface([*own, bold]), template.size, template.leading)
        self._faces = faces
        self._document = document
        self._file = PdfFile(out)
        self._pages = Pages(self._file, self.sheet)
        self._template = template
        self._forms = (0, 0)
        self.furniture = Furniture(template, self.sheet, self.regular, self.bold)
        self._moment = rfc3339(document.created_at)
        self._first = self.furniture.set(document, f"Generated {self._moment[:16].replace('T', ' ')} UTC")

    def begin(self) -> None:
        """Write what the template draws."""
        self._file.begin()
        self._forms = add_forms(self._file, self._template, self.sheet, self._document)

    def add_page(self, table: str) -> None:
        """Write a page."""
        number = self._pages.count + 1
        form, head = ("First", self._first) if number == 1 else ("Other", self.furniture.other_page())
        self._pages.add(f"/{form} Do\n{head}{table}{self.furniture.foot(number)}")

    def finish(self) -> None:
        """Write fonts, forms and the table of objects."""
        file, size = self._file, f"[0 0 {self.sheet.width:g} {self.sheet.height:g}]"
        fonts = "".join(write_face(file, face) for face in self._faces)
        entries = f"/Type/XObject/Subtype/Form/BBox{size}/Resources<</Font<<{fonts}>>>>"
        total = file.add_stream(self.furniture.total(self._pages.count), entries.encode())
        first, other = self._forms
        forms = f"/First {first} 0 R/Other {other} 0 R/Total {total} 0 R"
        pages = self._pages.finish(f"/Font<<{fonts}>>/XObject<<{forms}>>")
        digits = "".join(filter(str.isdigit, self._moment[:19]))
        file.finish(add_catalog(file, pages), add_info(file, self._document.title, digits))


def open_book(out: BinaryIO, document: Document, template: PdfTemplate, font: Path | None) -> Book:
    """Read the fonts and begin the file."""
    own = [Face.load("C", font)] if font else []
    regular, bold = Face.load("R", _FONTS / "NotoSans-Regular.ttf"), Face.load("B", _FONTS / "NotoSans-Bold.ttf")
    book = Book(out, document, template, (*own, regular, bold))
    book.begin()
    return book
