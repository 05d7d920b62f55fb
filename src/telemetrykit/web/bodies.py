"""Reads request bodies: never more than the limit, unpacked if they came gzipped."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from starlette.requests import Request

from ..errors import FieldError, InvalidRequest, RequestError, TooLarge, UnsupportedMediaType
from ..runtime import codec
from ..runtime.schema import Validator

_GZIP = 16 + zlib.MAX_WBITS


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, unpacked. TooLarge as soon as it exceeds ``limit`` bytes, packed or unpacked."""
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:19]) > limit:
        raise _too_large(limit)
    coding = _Coding.of(request.headers.get("content-encoding", ""), limit)
    parts: list[bytes] = []
    received = unpacked = 0
    # Closed at once: trio's loop complains of a generator that is left to the garbage collector.
    async with aclosing(request.stream()) as chunks:
        async for chunk in chunks:
            received += len(chunk)
            parts.append(coding.feed(chunk))
            unpacked += len(parts[-1])
            if max(received, unpacked) > limit:
                raise _too_large(limit)
    coding.end()
    return b"".join(parts)


async def read_json(request: Request, limit: int, check: Validator, *, absent: Any = None) -> Any:
    """A JSON body that fits a schema, or ``absent``, if it is given, for no body at all.

    InvalidRequest says where a body does not fit; UnsupportedMediaType for other types.
    """
    media_type, charset = content_type(request)
    if media_type not in ("", "application/json") or charset not in ("", "utf-8"):
        raise _not_json(media_type)
    body = await read_body(request, limit)
    if not body and absent is not None:
        return absent
    if body and not media_type:
        raise _not_json(media_type)
    value = parse_json(body)
    if errors := _find_errors(value, check):
        raise InvalidRequest(f"{errors[0].pointer}: {errors[0].detail}", errors=errors)
    return value


def parse_json(body: bytes) -> Any:
    """The value of a JSON text. InvalidRequest (400) says where it is broken."""
    if not body:
        raise InvalidRequest("The body is empty: send JSON.", status=400)
    try:
        return codec.loads_foreign(body)
    except ValueError as error:
        raise InvalidRequest(f"The body cannot be read: {error}.", status=400) from None


def content_type(request: Request) -> tuple[str, str]:
    """Media type and charset of the body, in lower case; empty if they are not given."""
    media_type, *parameters = request.headers.get("content-type", "").lower().split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    charset = next((value.strip().strip('"') for name, _, value in pairs if name.strip() == "charset"), "")
    return media_type.strip(), charset


class _Coding:
    """No content coding: the body is what it is."""

    @staticmethod
    def of(name: str, limit: int) -> _Coding:
        match name.strip().lower():
            case "" | "identity":
                return _Coding()
            case "gzip" | "x-gzip":
                return _Gzip(limit)
        raise UnsupportedMediaType(
            f"Content-Encoding {name[:40]!r} is not read here: send gzip, or none.", headers={"Accept-Encoding": "gzip"}
        )

    def feed(self, chunk: bytes) -> bytes:
        return chunk

    def end(self) -> None:
        return


class _Gzip(_Coding):
    """RFC 1952; stops unpacking as soon as there is too much, whatever the packed size."""

    def __init__(self, limit: int) -> None:
        self._room = limit + 1
        self._unpacker = zlib.decompressobj(_GZIP)
        self._fed = False

    def feed(self, chunk: bytes) -> bytes:
        parts: list[bytes] = []
        try:
            while chunk and self._room > 0:
                if self._unpacker.eof:  # A gzip file may have several members.
                    self._unpacker = zlib.decompressobj(_GZIP)
                self._fed = True
                parts.append(self._unpacker.decompress(chunk, self._room))
                self._room -= len(parts[-1])
                chunk = self._unpacker.unused_data
        except zlib.error:
            raise InvalidRequest("The body is not gzip, though Content-Encoding says so.", status=400) from None
        return b"".join(parts)

    def end(self) -> None:
        if self._fed and not self._unpacker.eof:
            raise InvalidRequest("The gzip body is cut off.", status=400)


def _find_errors(value: Any, check: Validator) -> Sequence[FieldError]:
    try:
        return check(value)
    except UnicodeEncodeError:  # From a check that wants to look into such a text.
        return [FieldError("a string holds half a surrogate pair: send whole characters")]


def _not_json(media_type: str) -> RequestError:
    return UnsupportedMediaType(
        f"Send application/json in UTF-8, not {media_type[:60] or 'a body without a type'}.",
        headers={"Accept": "application/json"},
    )


def _too_large(limit: int) -> RequestError:
    return TooLarge(f"The body is larger than {limit} bytes: send less at a time.")
