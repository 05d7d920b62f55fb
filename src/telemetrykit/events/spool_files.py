"""The files of a spool: one batch each, shared by the processes that use one folder. Blocking; needs no loop.

A file is written under another name, synced, then renamed, so that one that bears the right name is whole. Its name
says when it was written, how many events it holds and how many bytes: ``<time in ns>-<events>-<bytes>-<random>.batch``.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from ..errors import BackendUnavailable
from ..model.event import Event
from ..runtime import codec

_MAGIC = b"TKSPOOL1"
_NAME = re.compile(r"(\d{20})-(\d+)-(\d+)-[0-9a-f]{8}\.batch", re.ASCII)
#: What a file takes of the disk, at least.
_BLOCK = 4096
#: Seconds after which a file that is not finished belongs to a process that died.
_ABANDONED = 3600


class SpoolFile(NamedTuple):
    """A batch on disk, as its name tells. Sorts by age, oldest first."""

    name: str
    events: int
    size: int

    @classmethod
    def parse(cls, name: str) -> Self | None:
        match = _NAME.fullmatch(name)
        return cls(name, int(match[2]), int(match[3])) if match else None


class CorruptFileError(ValueError):
    """The file is damaged, or from a version that this one cannot read."""


class Claim:
    """The right to drain a folder, held by one process at a time; the kernel takes it from a process that dies."""

    def __init__(self, lock: int) -> None:
        self._lock = lock

    def release(self) -> None:
        os.close(self._lock)


class SpoolFiles:
    """The files of one folder, which is made when the first batch is kept.

    ``cap`` is the room in bytes that all files together may take, as far as this process knows of them.
    """

    def __init__(self, folder: Path, cap: int) -> None:
        self._folder = folder
        self._cap = cap
        self._used: int | None = None
        self._stamp = 0

    def keep(self, batch_id: str, events: Sequence[Event]) -> None:
        """Write a batch durably. BackendUnavailable if there is no room for it, OSError if it cannot be written."""
        text = _encode(batch_id, events)
        if self._used is None:
            self.scan()
        used = (self._used or 0) + _room(len(text))
        if used > self._cap:
            raise BackendUnavailable(
                f"the spool {self._folder} is full ({self._cap:,} bytes): bring the store back, or make room"
            )
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._stamp = max(self._stamp + 1, time.time_ns())
        name = f"{self._stamp:020d}-{len(events)}-{len(text)}-{secrets.token_hex(4)}.batch"
        self._write(name, text)
        self._used = used

    def scan(self) -> list[SpoolFile]:
        """What waits, oldest first."""
        try:
            with os.scandir(self._folder) as entries:
                names = [entry.name for entry in entries]
        except FileNotFoundError:
            names = []
        found = sorted(file for name in names if (file := SpoolFile.parse(name)) is not None)
        self._used = sum(_room(file.size) for file in found)
        return found

    def load(self, file: SpoolFile) -> tuple[str, list[Event]]:
        """The batch id and the events of a file. CorruptFileError if it is damaged, FileNotFoundError if it is gone."""
        return _decode((self._folder / file.name).read_bytes())

    def forget(self, file: SpoolFile) -> None:
        """Delete a file; one that is gone already is a no-op."""
        (self._folder / file.name).unlink(missing_ok=True)

    def set_aside(self, file: SpoolFile) -> Path:
        """Rename a file so that it is never looked at again, except by a person."""
        bad = self._folder / f"{file.name}.bad"
        (self._folder / file.name).rename(bad)
        return bad

    def claim(self) -> Claim | None:
        """The right to drain; None if another process has it, or if there is nothing to drain."""
        try:
            lock = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return Claim(lock)

    def sweep(self) -> None:
        """Delete what processes left that died while they wrote: nobody was told that it was kept."""
        for path in self._folder.glob("*.tmp"):
            if time.time() - path.stat().st_mtime > _ABANDONED:
                path.unlink(missing_ok=True)

    def _write(self, name: str, text: bytes) -> None:
        unfinished = self._folder / f"{name}.tmp"
        try:
            with open(unfinished, "xb", opener=_open_private) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(self._folder / name)
            _sync_folder(self._folder)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _room(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _encode(batch_id: str, events: Sequence[Event]) -> bytes:
    return _sealed([batch_id, [_to_row(event) for event in events]])


def _sealed(content: object) -> bytes:
    body = codec.pack(content)
    return _MAGIC + zlib.crc32(body).to_bytes(4, "big") + body


def _decode(text: bytes) -> tuple[str, list[Event]]:
    start = len(_MAGIC) + 4
    magic, checksum, body = text[: len(_MAGIC)], text[len(_MAGIC) : start], text[start:]
    if magic != _MAGIC or zlib.crc32(body).to_bytes(4, "big") != checksum:
        raise CorruptFileError("its checksum is wrong")
    try:
        batch_id, rows = codec.unpack(body)
        return batch_id, [_from_row(row) for row in rows]
    except (ValueError, TypeError) as error:
        raise CorruptFileError(str(error)) from None


def _to_row(event: Event) -> list[object]:
    encoded = event.encoded if event.encoded is not None else codec.dumps(event.data)
    extensions = dict(event.extensions) if event.extensions else None
    return [
        *event[:4],
        encoded,
        event.tenant,
        event.severity,
        event.subject,
        event.traceparent,
        extensions,
        event.foreign,
    ]


def _from_row(row: list[Any]) -> Event:
    type, source, id, time, encoded, *others = row
    return Event(type, source, id, time, codec.loads(encoded), *others)._replace(encoded=encoded)
