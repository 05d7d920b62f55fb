"""Artifacts as files in a folder, shared by every process of a machine that uses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar
from urllib.parse import unquote

from ...contracts.artifacts import ArtifactStore, ArtifactWriter
from ...errors import BackendUnavailable, NotFound
from ...hookspecs import hookimpl
from ...model.artifact import Artifact
from ...model.health import Health
from ...runtime.clock import Clock, SystemClock
from ...runtime.threads import WorkerThread
from ...settings import Settings
from . import folder
from .keys import segments

P = ParamSpec("P")
T = TypeVar("T")

_PIECE = 256 * 1024
#: Files that are looked at in one go: others wait for their turn in the thread.
_LISTED = 200


@hookimpl
def make_artifacts(url: str, settings: Settings) -> ArtifactStore | None:
    """``file:FOLDER``; it is made where it is missing."""
    scheme, _, path = url.partition(":")
    return FileArtifacts(Path(unquote(path.removeprefix("//")))) if scheme == "file" and path else None


class FileArtifacts(ArtifactStore):
    """A file is written beside the others under a name that nobody asks for, brought to the disk, and renamed."""

    name = "file"

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = clock or SystemClock()
        self._thread = WorkerThread("telemetrykit.artifacts")

    async def open(self) -> None:
        self._thread.start()
        await self._run(folder.sweep, self._path)

    async def close(self) -> None:
        await self._thread.stop()

    async def ping(self) -> Health:
        try:
            files, size = await self._run(folder.measure, self._path)
        except BackendUnavailable as error:
            return Health.unhealthy(str(error))
        return Health(gauges={"artifacts.files": files, "artifacts.bytes": size})

    @asynccontextmanager
    async def open_writer(self, key: str, media_type: str) -> AsyncIterator[ArtifactWriter]:
        target = self._target(key)
        draft = await self._run(folder.Draft, self._path, target)
        try:
            yield _FileWriter(self, key, media_type, draft)
        finally:
            # However it ends, also by a cancellation: no half of a file stays.
            await asyncio.shield(self._run(draft.discard))

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        target = self._target(key)
        file = await self._run(folder.open_to_read, target, start)
        if file is None:
            raise NotFound("The file is not there any more.")
        try:
            left = None if end is None else max(end - start, 0)
            while piece := await self._run(file.read, _PIECE if left is None else min(left, _PIECE)):
                left = None if left is None else left - len(piece)
                yield piece
        finally:
            file.close()

    async def stat(self, key: str) -> Artifact | None:
        return await self._run(folder.look_up, self._target(key), key)

    async def delete(self, key: str) -> bool:
        return await self._run(folder.remove, self._target(key), self._path)

    async def list(self) -> AsyncIterator[Artifact]:
        paths = await self._run(folder.find, self._path)
        for start in range(0, len(paths), _LISTED):
            for artifact in await self._run(folder.describe, self._path, paths[start : start + _LISTED]):
                yield artifact

    async def tidy(self) -> None:
        await self._run(folder.sweep, self._path)

    async def keep(self, draft: folder.Draft, key: str, media_type: str) -> Artifact:
        """Make a finished draft visible."""
        return await self._run(draft.publish, key, media_type, self._clock.now())

    def _target(self, key: str) -> Path:
        return self._path.joinpath(*segments(key))

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._thread.run(partial(function, *args, **kwargs))
        except OSError as error:
            raise BackendUnavailable(f"The folder for files {self._path} cannot be used: {error.strerror}.") from error


class _FileWriter(ArtifactWriter):
    def __init__(self, store: FileArtifacts, key: str, media_type: str, draft: folder.Draft) -> None:
        self.file = draft.file
        self._store = store
        self._key = key
        self._media_type = media_type
        self._draft = draft

    async def commit(self) -> Artifact:
        return await self._store.keep(self._draft, self._key, self._media_type)
