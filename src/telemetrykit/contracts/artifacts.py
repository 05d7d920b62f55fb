"""Where finished files are kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import BinaryIO

from ..model.artifact import Artifact
from ..model.health import Health


class ArtifactWriter(ABC):
    """A file that is being written, seen by nobody yet."""

    #: Write here, in any thread; seekable and readable.
    file: BinaryIO

    @abstractmethod
    async def commit(self) -> Artifact:
        """Make it durable and visible under its key, replacing what was there; the size and digest come with it.

        Leaving the context without it throws the file away.
        """


class ArtifactStore(ABC):
    """Files under keys like ``acme/0199d1f2-7a31-.../2.csv``: path segments of ``[A-Za-z0-9._-]``, none of dots alone.

    Keys are made by the kit, never taken from a request; one of another form raises ValueError. Disk full and the
    like raise BackendUnavailable that tells the reason.
    """

    name: str

    @abstractmethod
    async def open(self) -> None:
        """Raises BackendUnavailable; may be called again after that. Removes what dead writers left behind."""

    @abstractmethod
    async def close(self) -> None:
        """A second close is a no-op."""

    @abstractmethod
    async def ping(self) -> Health:
        """Never raises; the gauges hold how many files and bytes there are."""

    @abstractmethod
    def open_writer(self, key: str, media_type: str) -> AbstractAsyncContextManager[ArtifactWriter]:
        """Whole or nothing: the file is there after ``commit`` and not before."""

    @abstractmethod
    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Bytes from ``start`` up to, not including, ``end``, in pieces of at most 256 KiB. NotFound if absent."""

    @abstractmethod
    async def stat(self, key: str) -> Artifact | None:
        """None if it is not there."""

    @abstractmethod
    async def delete(self, key: str) -> bool:
        """False if it was not there."""

    @abstractmethod
    def list(self) -> AsyncIterator[Artifact]:
        """Every file, in no order; one that comes or goes meanwhile may be seen or not.

        What a dead writer or a broken-off ``delete`` left of one is listed too, so that it can be deleted.
        """

    async def tidy(self) -> None:
        """Remove what dead writers left behind that has no key; harmless to those who live. By default a no-op."""
        return

    async def link(self, key: str, seconds: float, filename: str) -> str | None:
        """A URL from which whoever has it may download for some time; None where the kit serves the file itself."""
        return None
