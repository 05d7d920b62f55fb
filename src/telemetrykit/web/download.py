"""Serves one file: whole, a part of it, or word that the client has it already (RFC 9110, RFC 6266, RFC 9530)."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import NamedTuple
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from ..model.artifact import Artifact

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)


class Part(NamedTuple):
    """Bytes from ``start`` up to, not including, ``end``."""

    start: int
    end: int


Read = Callable[[Artifact, int, int], AsyncGenerator[bytes, None]]


class Download:
    """An answer with the bytes of an artifact, which never change: its digest is its ETag.

    ``begun`` is called when somebody gets the first of them.
    """

    def __init__(self, artifact: Artifact, filename: str, read: Read, begun: Callable[[], None]) -> None:
        self._artifact = artifact
        self._filename = filename
        self._read = read
        self._begun = begun

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if matches(headers.get("if-none-match"), self._etag):
            await self._send(send, 304, self._validators())
        elif scope["method"] != "GET":  # Ranges are for GET alone (RFC 9110, section 14.2).
            await self._send(send, 200, self._describe(self._whole))
        else:
            await self._send_part(send, self._asked(headers))

    async def _send_part(self, send: Send, part: Part | None) -> None:
        if part is None:
            unsatisfied = {"content-range": f"bytes */{self._artifact.size}", "content-length": "0"}
            await self._send(send, 416, {**self._validators(), **unsatisfied})
            return
        if part.start == 0:
            self._begun()
        if part == self._whole:
            await self._send(send, 200, self._describe(part), part)
        else:
            content_range = f"bytes {part.start}-{part.end - 1}/{self._artifact.size}"
            await self._send(send, 206, {**self._describe(part), "content-range": content_range}, part)

    @property
    def _whole(self) -> Part:
        return Part(0, self._artifact.size)

    @property
    def _etag(self) -> str:
        return f'"{self._artifact.sha256}"'

    def _asked(self, headers: Headers) -> Part | None:
        """The part that is asked for; None for one that lies beyond the end.

        A list of ranges, or a range of another version, is answered with the whole.
        """
        if headers.get("if-range", self._etag) != self._etag:
            return self._whole
        return read_range(headers.get("range"), self._artifact.size)

    def _validators(self) -> dict[str, str]:
        return {"etag": self._etag, "accept-ranges": "bytes", "cache-control": "private, no-cache"}

    def _describe(self, part: Part) -> dict[str, str]:
        digest = base64.b64encode(bytes.fromhex(self._artifact.sha256)).decode()
        return {
            **self._validators(),
            "content-type": self._artifact.media_type,
            "content-length": str(part.end - part.start),
            "content-disposition": disposition(self._filename),
            "repr-digest": f"sha-256=:{digest}:",
        }

    async def _send(self, send: Send, status: int, headers: Mapping[str, str], part: Part | None = None) -> None:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        if part is not None and part.end > part.start:
            async with aclosing(self._read(self._artifact, part.start, part.end)) as pieces:
                async for piece in pieces:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def read_range(header: str | None, size: int) -> Part | None:
    """The bytes of a ``Range`` header: everything where it is absent or not understood, None where it cannot be met."""
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match.groups() == ("", ""):
        return Part(0, size)
    first, last = match.groups()
    if not first:  # The last so many bytes.
        return Part(max(size - int(last), 0), size) if int(last) and size else None
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return Part(0, size)
    return Part(start, end) if start < size else None


def matches(header: str | None, etag: str) -> bool:
    """True if an ``If-None-Match`` header names the tag, or every one."""
    if header is None:
        return False
    return header.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in header.split(","))


def disposition(filename: str) -> str:
    """The header by which a browser saves the file under its name."""
    plain = re.sub(r"[^\w. -]", "_", filename, flags=re.ASCII)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
