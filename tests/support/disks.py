"""Ways to take a process's disk away and to give it back."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from .server import Server

_MOUNT = 'mkdir -p "$0" && mount -t tmpfs -o size=16m tmpfs "$0" && exec "$@"'


class SmallDisk:
    """A disk of 16 MiB that only the process sees, filled by a file beside its own."""

    words = "the disk is full"

    @staticmethod
    def prefix(folder: Path) -> Sequence[str]:
        """What to start the process with."""
        return (*_namespace(), "sh", "-c", _MOUNT, str(folder))

    @staticmethod
    def find(server: Server) -> Path:
        """Where the database is for us."""
        return _seen_by(server, server.database)

    @staticmethod
    def fill(server: Server) -> None:
        with suppress(OSError), _seen_by(server, server.data_dir / "filler").open("wb", buffering=0) as filler:
            while filler.write(bytes(4096)):
                pass

    @staticmethod
    def free(server: Server) -> None:
        _seen_by(server, server.data_dir / "filler").unlink()


class FileLimit:
    """A limit on the size of any file of the process."""

    words = "Check the disk and its free space"

    @staticmethod
    def prefix(folder: Path) -> Sequence[str]:
        """What to start the process with."""
        return ()

    @staticmethod
    def find(server: Server) -> Path:
        """Where the database is for us."""
        return server.database

    @staticmethod
    def fill(server: Server) -> None:
        _, most = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, most))

    @staticmethod
    def free(server: Server) -> None:
        _, most = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (most, most))


def disks() -> list[type[SmallDisk | FileLimit]]:
    """Those that this machine lets us use."""
    may_mount = subprocess.run([*_namespace(), "true"], capture_output=True, check=False).returncode == 0
    return [SmallDisk, FileLimit] if may_mount else [FileLimit]


def without_override() -> Sequence[str]:
    """What to start a process with that may not write what it has no right to write, though it is root's."""
    if os.geteuid() != 0:
        return ()
    return ("setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner")


def _namespace() -> Sequence[str]:
    if shutil.which("unshare") is None:
        return ("false",)
    return ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--user", "--map-root-user", "--mount")


def _seen_by(server: Server, path: Path) -> Path:
    return Path(f"/proc/{server.process.pid}/root", *path.parts[1:])
