"""How a pdf looks, for hosts to change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ....contracts.exports import Document

#: A column narrower than this is no use: a sheet with many columns is wider than A4.
_NARROWEST = 42.0
#: The largest side of a page (ISO 32000-1, annex C.2), in points.
_LARGEST = 14_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A page and the place of the table on it, in points from the lower left corner."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True, kw_only=True)
class PdfTemplate:
    """Sizes in points, colours as ``#rrggbb``.

    Change them with ``PdfTemplate(accent="#7a1f3d")``. To draw a letterhead or a logo, subclass it, keep room with
    ``first_head`` and ``head``, and override ``draw_first_page`` or ``draw_page``: they get a canvas of reportlab, and
    what they draw lies under the text. Title, summary, table and page numbers are drawn for you.
    """

    #: A4 landscape.
    width: float = 841.89
    height: float = 595.28
    margin: float = 36
    #: Kept free at the top of the first page, and of every other page.
    first_head: float = 0
    head: float = 0
    size: float = 7.5
    leading: float = 9.5
    #: Around the text of a cell: left and right together, above and below together.
    gap: float = 9
    padding: float = 5
    ink: str = "#14181f"
    muted: str = "#5b6472"
    accent: str = "#2f5bd8"
    line: str = "#e3e6eb"
    band: str = "#eef2fb"

    def draw_first_page(self, canvas: Any, sheet: Sheet, document: Document) -> None:
        """Draw what lies under the first page."""
        canvas.setFillColor(self.accent)
        canvas.rect(0, sheet.height - 5, sheet.width, 5, stroke=0, fill=1)
        self._draw_foot(canvas, sheet)

    def draw_page(self, canvas: Any, sheet: Sheet, document: Document) -> None:
        """Draw what lies under every other page, the same on each."""
        canvas.setFillColor(self.accent)
        canvas.rect(0, sheet.height - 2, sheet.width, 2, stroke=0, fill=1)
        self._draw_foot(canvas, sheet)

    def sheet(self, columns: int) -> Sheet:
        """The page for a table of so many columns: as wide as they need, in the proportions of this one."""
        width = min(max(self.width, 2 * self.margin + columns * _NARROWEST), _LARGEST)
        height = self.height * width / self.width
        top, bottom = height - self.margin - self.head, self.margin + 12
        return Sheet(width=width, height=height, left=self.margin, right=width - self.margin, top=top, bottom=bottom)

    def _draw_foot(self, canvas: Any, sheet: Sheet) -> None:
        canvas.setStrokeColor(self.line)
        canvas.setLineWidth(0.5)
        canvas.line(sheet.left, sheet.bottom - 8, sheet.right, sheet.bottom - 8)
