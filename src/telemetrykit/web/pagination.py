"""Pages of lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..contracts.queue import Page
from ..contracts.storage import Position
from .endpoint import Parameter

LIMIT = Parameter(
    name="limit",
    schema={"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
    expects="a whole number from 1 to 100",
    description="Items on a page.",
)
OFFSET = Parameter(
    name="offset",
    schema={"type": "integer", "minimum": 0, "maximum": 1_000_000, "default": 0},
    expects="a whole number from 0 to 1000000",
    description="Items to leave out.",
)
_TOKEN = r"^-?[0-9]{1,17}\.[0-9]{1,18}$"  # noqa: S105
CURSOR = Parameter(
    name="cursor",
    schema={"type": "string", "pattern": _TOKEN},
    expects="the next_cursor of the page before",
    description="Where the page begins; take `next_cursor` of the page before.",
)
JOB_CURSOR = Parameter(
    name="cursor",
    schema={"type": "string", "pattern": "^[0-9]{1,18}$"},
    expects="the next_cursor of the page before",
    description="Where the page begins; take `next_cursor` of the page before.",
)

_COUNT = {"type": ["integer", "null"], "minimum": 0}
_UNCOUNTED = "null: there are more than 100,000, or counting them would take too long"


def page_schema(item: Any) -> dict[str, Any]:
    """The schema of a page of items."""
    pagination = {
        "type": "object",
        "properties": {
            "total": {**_COUNT, "description": _UNCOUNTED},
            "limit": {"type": "integer"},
            "offset": {**_COUNT, "description": "null on a page that began at a cursor"},
            "has_more": {"type": "boolean"},
            "next_cursor": {"type": ["string", "null"]},
        },
        "required": ["total", "limit", "offset", "has_more", "next_cursor"],
    }
    return {
        "type": "object",
        "properties": {"items": {"type": "array", "items": item}, "pagination": pagination},
        "required": ["items", "pagination"],
    }


def offset_page(items: Sequence[Any], limit: int, offset: int) -> dict[str, Any]:
    """One page of a list that is there as a whole."""
    more = offset + limit < len(items)
    pagination = {
        "total": len(items),
        "limit": limit,
        "offset": offset,
        "has_more": more,
        "next_cursor": None,
    }
    return {"items": items[offset : offset + limit], "pagination": pagination}


def job_pagination(page: Page, params: Mapping[str, Any]) -> dict[str, Any]:
    """The ``pagination`` of a page of jobs."""
    return {
        "total": page.total,
        "limit": params["limit"],
        "offset": None if "cursor" in params else params["offset"],
        "has_more": page.next is not None,
        "next_cursor": None if page.next is None else str(page.next),
    }


def read_number(token: str | None) -> int | None:
    """What ``Page.next`` was, of a token that fits its schema."""
    return None if token is None else int(token)


def cursor_pagination(
    *, total: int | None, limit: int, before: Position | None, following: Position | None
) -> dict[str, Any]:
    """The ``pagination`` of a page that begins before a position."""
    return {
        "total": total,
        "limit": limit,
        "offset": 0 if before is None else None,
        "has_more": following is not None,
        "next_cursor": None if following is None else f"{following.time}.{following.cursor}",
    }


def read_position(token: str | None) -> Position | None:
    """The position of a page token that fits its schema."""
    if token is None:
        return None
    time, _, cursor = token.partition(".")
    return Position(int(time), int(cursor))
