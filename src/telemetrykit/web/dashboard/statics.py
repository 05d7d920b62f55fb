"""The files of the page and the modules of plugins' panels, read once and kept."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from urllib.parse import quote

from ...contracts.web import Panel

#: Content types by suffix; files of other kinds are not served.
MEDIA_TYPES: Mapping[str, str] = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "woff2": "font/woff2",
}
_PACKED = frozenset({"css", "html", "js", "json", "svg", "txt"})


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file with what its answer needs."""

    body: bytes
    media_type: str
    #: First 16 hex digits of its SHA-256.
    digest: str
    #: The body gzipped, where that is shorter.
    packed: bytes | None

    @classmethod
    def of(cls, name: str, body: bytes) -> StaticFile:
        suffix = name.rpartition(".")[2]
        packed = gzip.compress(body, mtime=0) if suffix in _PACKED else None
        if packed is not None and len(packed) >= len(body):
            packed = None
        return cls(body, MEDIA_TYPES[suffix], hashlib.sha256(body).hexdigest()[:16], packed)


class Statics:
    """Reads at first use, which blocks for some milliseconds."""

    def __init__(self, panels: Sequence[Panel]) -> None:
        self._modules = {_module_name(panel): panel.module for panel in panels if panel.module is not None}

    @property
    def is_read(self) -> bool:
        """True when asking for anything no longer blocks."""
        return "digest" in self.__dict__ and "files" in self.__dict__

    def read(self) -> None:
        """Read everything now."""
        _ = self.digest, self.files

    @cached_property
    def files(self) -> Mapping[str, StaticFile]:
        """By path below ``static/``; the pages are not among them."""
        return {name: StaticFile.of(name, body) for name, body in self._contents.items() if not name.endswith(".html")}

    @cached_property
    def digest(self) -> str:
        """Changes when any file does: the folder under which they can be kept for ever."""
        every = hashlib.sha256()
        for name, body in sorted(self._contents.items()):
            every.update(b"%b\0%d\0%b" % (name.encode(), len(body), body))
        return every.hexdigest()[:8]

    def page(self, name: str) -> str:
        """The HTML of a page, with its placeholders."""
        return self._contents[f"{name}.html"].decode()

    @cached_property
    def _contents(self) -> Mapping[str, bytes]:
        root = resources.files(__package__) / "static"
        own = {name: file.read_bytes() for name, file in _walk(root, "") if name.rpartition(".")[2] in MEDIA_TYPES}
        return {**own, **{name: module.encode() for name, module in self._modules.items()}}


def panel_path(panel: Panel) -> str:
    """Where the module of a panel is, below ``static/<digest>/``, as part of a URL."""
    return quote(_module_name(panel))


def _module_name(panel: Panel) -> str:
    return f"plugins/{panel.name}.js"


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry
