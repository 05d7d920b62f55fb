"""``docx``: a table for Word, LibreOffice and their like (ECMA-376)."""

from __future__ import annotations

from .format import DocxFormat, register_formats

__all__ = ["DocxFormat", "register_formats"]
