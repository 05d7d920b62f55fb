"""``pdf``: a table on paper that one would send to a customer (ISO 32000-1)."""

from __future__ import annotations

from .format import PdfFormat, register_formats
from .template import PdfTemplate, Sheet

__all__ = ["PdfFormat", "PdfTemplate", "Sheet", "register_formats"]
