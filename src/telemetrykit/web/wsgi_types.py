"""The types of WSGI (PEP 3333), as far as we hand things on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Environ = dict[str, Any]
Write = Callable[[bytes], object]
StartResponse = Callable[..., Write]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]


def text(value: str) -> str:
    """A path of an environ as text: WSGI carries bytes in strings (latin-1), and paths are UTF-8."""
    return value.encode("latin-1", "replace").decode("utf-8", "replace")


def full_path(environ: Environ) -> str:
    """The path that the client asked for, mount points included."""
    return text(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))
