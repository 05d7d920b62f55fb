"""Where a command saves a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..errors import ConfigurationError

_STANDARD_OUTPUT = Path("-")


class Place:
    """A file, a folder in which the file gets its own name, or ``-`` for standard output. None is the current folder.

    ConfigurationError for a place that is known not to work before anything is done.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        #: The file, once it is there; None for standard output.
        self.saved: Path | None = None
        if path is not None and not path.parent.is_dir():
            raise _unwritable(path, "there is no such folder")

    @property
    def is_output(self) -> bool:
        """Standard output is the file, so nothing else may go there."""
        return self._path == _STANDARD_OUTPUT

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """A file beside the place, which takes the place when the block ends well: nobody finds half of one."""
        if self.is_output:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
            return
        path = self._path or Path()
        path = path / Path(name).name if path.is_dir() else path
        part = path.with_name(path.name + ".part")
        try:
            with part.open("wb") as file:
                yield file
            part.replace(path)
        except OSError as error:
            raise _unwritable(path, error.strerror or str(error)) from None
        finally:
            part.unlink(missing_ok=True)
        self.saved = path


def _unwritable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(f"{path} cannot be written: {why}. Name another with --output.")
