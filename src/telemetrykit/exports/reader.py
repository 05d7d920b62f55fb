"""Reads and checks the body of a request for an export."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..contracts.exports import Format
from ..errors import FieldError, InvalidRequest
from ..model.export import DEFAULT_ROWS, MAX_RANGE_DAYS, MAX_ROWS, ExportRequest
from ..model.filter import AllTenants, Filter
from ..model.filter_forms import filter_from_plain
from ..model.moment import parse_moment
from ..model.problems import Problems, invalid
from .catalog import Catalog

_DAY = 86_400_000_000
_MAX_RANGE = MAX_RANGE_DAYS * _DAY
_NONE = "none"
MAX_TITLE = 200


class RequestReader:
    """Turns what a person wrote into a request in which everything is fixed."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def read(self, body: Mapping[str, Any], *, tenant: str | AllTenants, now: int) -> ExportRequest:
        """InvalidRequest names every field that is wrong, and the cure."""
        problems = Problems()
        source = _collect(problems, lambda: self._catalog.sources.get(str(body.get("source", "events"))))
        format = _collect(problems, lambda: self._read_format(body.get("format")))
        compression = body.get("compression") or _NONE
        if compression != _NONE:
            _collect(problems, lambda: self._catalog.compressors.get(str(compression)))
        filter = _collect(
            problems, lambda: filter_from_plain(body.get("filter") or {}, tenant=tenant, now=now, pointer="#/filter")
        )
        since, until = _read_range(body, filter, now, problems)
        limit = _read_limit(body.get("limit"), format, problems)
        title = body.get("title") or ""
        if len(title) > MAX_TITLE:
            problems.add(f"a title has at most {MAX_TITLE} characters, not {len(title)}", "#/title")
        problems.raise_any()
        assert source is not None and format is not None and filter is not None  # noqa: S101, PT018 - else it raised
        request = ExportRequest(
            source=source.name,
            format=format.name,
            compression=None if compression == _NONE else str(compression),
            filter=dataclasses.replace(filter, since=since, until=until),
            fields=tuple(body["fields"]) if body.get("fields") else None,
            limit=limit,
            title=title,
        )
        source.columns(request)
        return request

    def _read_format(self, name: object) -> Format:
        formats = self._catalog.formats
        if name is None:
            raise invalid([FieldError(f"name a format: {', '.join(format.name for format in formats)}", "#/format")])
        return self._catalog.makeable(str(name))


def _read_range(
    body: Mapping[str, Any], filter: Filter | None, now: int, problems: Problems
) -> tuple[int | None, int | None]:
    """``start_time`` and ``end_time``, or those of the filter; without a start it is a year before the end."""
    since = _read_time(body.get("start_time"), now, problems, "#/start_time")
    until = _read_time(body.get("end_time"), now, problems, "#/end_time")
    if filter is not None:
        since = filter.since if since is None else since
        until = filter.until if until is None else until
    until = now if until is None else until
    since = until - _MAX_RANGE if since is None else since
    if since > until:
        problems.add("end_time is before start_time: swap them", "#/end_time")
    elif until - since > _MAX_RANGE:
        days = (until - since) // _DAY
        problems.add(f"the range is {days} days; at most {MAX_RANGE_DAYS} can be exported at once", "#/start_time")
    return since, until


def _read_time(value: Any, now: int, problems: Problems, pointer: str) -> int | None:
    if value is None:
        return None
    try:
        return parse_moment(value if isinstance(value, str) else "", now)
    except ValueError as error:
        problems.add(str(error), pointer)
        return None


def _read_limit(value: Any, format: Format | None, problems: Problems) -> int:
    most = MAX_ROWS if format is None or format.max_rows is None else min(format.max_rows, MAX_ROWS)
    limit = min(DEFAULT_ROWS, most) if value is None else value
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= most:
        of = f" of {format.name}" if format is not None and most < MAX_ROWS else ""
        problems.add(f"limit is a number of rows{of} from 1 to {most:,}", "#/limit")
        return most
    return limit


def _collect(problems: Problems, read: Any) -> Any:
    try:
        return read()
    except InvalidRequest as error:
        problems.add_all(error.errors, "#")
        return None
