"""A log file that starts anew when it is full."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class RotatingFile:
    """A file of lines that several processes may append to; full ones become ``PATH.1``, ``PATH.2``, ...

    The processes take turns by a lock on the file itself, and after waiting for it look whether another one has
    rotated the file away. It is created with mode 0600. Lines are handed to the operating system at once and synced
    to the disk when the file is rotated or closed: a power cut may take the last seconds, which the store still has.
    """

    def __init__(self, path: Path, max_bytes: int, backups: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._backups = backups
        self._file: int | None = None

    def append(self, lines: Sequence[bytes]) -> None:
        """Write whole lines or, where the disk is full, as many as fit; then OSError."""
        with self._locked():
            for chunk in self._chunks(lines):
                self._write(chunk)

    def close(self) -> None:
        """Sync and close; a second call is a no-op."""
        if self._file is not None:
            descriptor, self._file = self._file, None
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._lock()
        try:
            yield
        finally:
            if self._file is not None:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def _lock(self) -> None:
        while True:
            if self._file is None:
                self._file = self._open()
            fcntl.flock(self._file, fcntl.LOCK_EX)
            if self._is_current(self._file):
                return
            self.close()

    def _open(self) -> int:
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(f"{self._path} is no regular file")
        return descriptor

    def _is_current(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def _chunks(self, lines: Sequence[bytes]) -> Iterator[bytes]:
        """The lines in as few pieces as the size of a file allows; rotates between them."""
        room, waiting = self._max_bytes - self._size(), bytearray()
        if self._is_torn():
            waiting += b"\n"
        for line in lines:
            if len(waiting) + len(line) > room and (waiting or room < self._max_bytes):
                if waiting:
                    yield bytes(waiting)
                self._rotate()
                room = self._max_bytes - self._size()
                waiting.clear()
            waiting += line
        yield bytes(waiting)

    def _write(self, chunk: bytes) -> None:
        before = self._size()
        try:
            written = os.write(self._descriptor, chunk)
            while written < len(chunk):
                written += os.write(self._descriptor, chunk[written:])
        except OSError:
            # Half a line must not stand before the next one.
            os.ftruncate(self._descriptor, before)
            raise

    def _rotate(self) -> None:
        for number in range(self._backups, 0, -1):
            source = self._path if number == 1 else self._backup(number - 1)
            if source.exists():
                source.replace(self._backup(number))
        if not self._backups:
            self._path.unlink()
        self.close()
        self._lock()

    def _backup(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    @property
    def _descriptor(self) -> int:
        if self._file is None:
            raise OSError(f"{self._path} is not open")
        return self._file

    def _size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def _is_torn(self) -> bool:
        """True if a process died while it wrote the last line."""
        size = self._size()
        return size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"
