"""What is done to the folder of artifacts; blocking, raises OSError.

Beside each file ``NAME`` is a ``NAME.about`` with what is known of it. It comes first and goes last, so that a file
that can be seen is whole and known, whenever the process dies.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from ...model.artifact import Artifact
from ...runtime import codec
from .keys import segments

#: Unfinished files live here, in the same file system, so that a rename is enough.
_DRAFTS = ".drafts"
_ABOUT = ".about"


class Draft:
    """A file that is being written."""

    def __init__(self, folder: Path, target: Path) -> None:
        self._folder = folder
        self._target = target
        sweep(folder)
        self._path, self.file = _begin(folder / _DRAFTS)

    def publish(self, key: str, media_type: str, now: int) -> Artifact:
        """Bring it to the disk and to its place."""
        self.file.flush()
        size = self.file.seek(0, os.SEEK_END)
        self.file.seek(0)
        sha256 = hashlib.file_digest(self.file, "sha256").hexdigest()  # type: ignore[arg-type]
        os.fsync(self.file.fileno())
        artifact = Artifact(key=key, media_type=media_type, size=size, sha256=sha256, created_at=now)
        for parent in reversed(self._target.relative_to(self._folder).parents):
            _make(self._folder / parent)
        self._write_about(artifact)
        self._path.replace(self._target)
        _sync(self._target.parent)
        return artifact

    def discard(self) -> None:
        """Let go of it; what was published stays."""
        with suppress(OSError):  # What could not be written for want of room is tried again here.
            self.file.close()
        self._path.unlink(missing_ok=True)

    def _write_about(self, artifact: Artifact) -> None:
        about = {
            "media_type": artifact.media_type,
            "size": artifact.size,
            "sha256": artifact.sha256,
            "created_at": artifact.created_at,
        }
        fresh, file = _begin(self._path.parent)
        try:
            file.write(codec.dumps(about))
            file.flush()
            fresh.replace(_about(self._target))
        finally:
            fresh.unlink(missing_ok=True)
            with suppress(OSError):
                file.close()


def sweep(folder: Path) -> None:
    """Make it where it is missing, and remove the drafts of writers that are dead."""
    drafts = folder / _DRAFTS
    _make(drafts)
    for path in drafts.iterdir():
        _discard_abandoned(path)


def measure(folder: Path) -> tuple[int, int]:
    """Number and bytes of the files."""
    os.listdir(folder)  # noqa: PTH208 - rglob finds nothing, without an error, in a folder that it cannot read
    sizes = [path.stat().st_size for path in _files(folder)]
    return len(sizes), sum(sizes)


def open_to_read(path: Path, start: int) -> BinaryIO | None:
    """None if it is not there."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    file.seek(start)
    return file


def look_up(path: Path, key: str) -> Artifact | None:
    """None if it is not there, whole."""
    try:
        about: dict[str, Any] = codec.loads(_about(path).read_bytes())
        size = path.stat().st_size
    except (FileNotFoundError, ValueError):
        return None
    return Artifact(key=key, **about) if size == about["size"] else None


def find(folder: Path) -> Sequence[Path]:
    """What there is to describe."""
    os.listdir(folder)  # noqa: PTH208 - as in measure()
    return [path for path in folder.rglob(f"*{_ABOUT}") if _DRAFTS not in path.parts]


def describe(folder: Path, abouts: Sequence[Path]) -> Sequence[Artifact]:
    """The files of what ``find`` has found, without those that have gone, or that were never ours."""
    return [artifact for about in abouts if (artifact := _described(folder, about)) is not None]


def remove(path: Path, folder: Path) -> bool:
    """Delete a file, and the folders that are empty then; False if it was not there."""
    there = path.exists()
    path.unlink(missing_ok=True)
    _about(path).unlink(missing_ok=True)
    with suppress(OSError):  # It holds something, or another process was quicker.
        for parent in path.relative_to(folder).parents[:-1]:
            (folder / parent).rmdir()
    return there


def _described(folder: Path, about: Path) -> Artifact | None:
    key = about.relative_to(folder).as_posix().removesuffix(_ABOUT)
    try:
        known: dict[str, Any] = codec.loads(about.read_bytes())
        segments(key)
        return Artifact(key=key, **known)
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _about(path: Path) -> Path:
    return path.with_name(path.name + _ABOUT)


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.suffix != _ABOUT and _DRAFTS not in path.parts and path.is_file():
            yield path


def _begin(drafts: Path) -> tuple[Path, BinaryIO]:
    """A new file that is locked as long as it is open: so others know that its writer lives, on any machine."""
    while True:
        path = drafts / secrets.token_hex(8)
        file = _create(path)
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()  # Somebody swept between the two.


def _discard_abandoned(path: Path) -> None:
    """Remove a draft that nobody holds open."""
    with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()  # Under the lock: whoever has only just made it waits for that, and sees that it is gone.


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _create(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    return os.fdopen(descriptor, "w+b")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
