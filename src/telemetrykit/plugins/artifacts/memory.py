"""Artifacts in this process: for tests, and for apps whose files need not outlive them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ...contracts.artifacts import ArtifactStore, ArtifactWriter
from ...errors import NotFound
from ...hookspecs import hookimpl
from ...model.artifact import Artifact
from ...model.health import Health
from ...runtime.clock import Clock, SystemClock
from ...settings import Settings
from .keys import segments

_PIECE = 256 * 1024


@hookimpl
def make_artifacts(url: str, settings: Settings) -> ArtifactStore | None:
    """``memory:``."""
    return MemoryArtifacts() if url == "memory:" else None


class MemoryArtifacts(ArtifactStore):
    """Forgets everything when the process ends."""

    name = "memory"

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._files: dict[str, tuple[Artifact, bytes]] = {}

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to let go of."""

    async def ping(self) -> Health:
        size = sum(len(content) for _, content in self._files.values())
        return Health(gauges={"artifacts.files": len(self._files), "artifacts.bytes": size})

    @asynccontextmanager
    async def open_writer(self, key: str, media_type: str) -> AsyncIterator[ArtifactWriter]:
        segments(key)
        yield _MemoryWriter(self, key, media_type)

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        segments(key)
        if key not in self._files:
            raise NotFound("The file is not there any more.")
        content = memoryview(self._files[key][1])[start:end]
        for offset in range(0, len(content), _PIECE):
            yield bytes(content[offset : offset + _PIECE])

    async def stat(self, key: str) -> Artifact | None:
        segments(key)
        return self._files[key][0] if key in self._files else None

    async def delete(self, key: str) -> bool:
        segments(key)
        return self._files.pop(key, None) is not None

    async def list(self) -> AsyncIterator[Artifact]:
        for artifact, _ in list(self._files.values()):
            yield artifact

    def keep(self, key: str, media_type: str, content: bytes) -> Artifact:
        """Make a file visible."""
        artifact = Artifact(
            key=key,
            media_type=media_type,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            created_at=self._clock.now(),
        )
        self._files[key] = (artifact, content)
        return artifact


class _MemoryWriter(ArtifactWriter):
    def __init__(self, store: MemoryArtifacts, key: str, media_type: str) -> None:
        self.file = self._buffer = io.BytesIO()
        self._store = store
        self._key = key
        self._media_type = media_type

    async def commit(self) -> Artifact:
        return self._store.keep(self._key, self._media_type, self._buffer.getvalue())
