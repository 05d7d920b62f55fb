"""``xlsx``: a workbook for Excel, LibreOffice and their like (ECMA-376)."""

from __future__ import annotations

from .format import MAX_COLUMNS, MAX_SHEET_ROWS, XlsxFormat, register_formats

__all__ = ["MAX_COLUMNS", "MAX_SHEET_ROWS", "XlsxFormat", "register_formats"]
