"""Processes that tests start: uvicorn with one of our hosts, or a command of the kit."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from .waiting import PATIENCE, eventually

_TESTS = Path(__file__).resolve().parents[1]


def environment(**settings: object) -> dict[str, str]:
    """The environment of a process with these settings of the kit and no others."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TELEMETRYKIT_")}
    own = {f"TELEMETRYKIT_{name.upper()}": _as_text(value) for name, value in settings.items()}
    paths = [str(_TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**inherited, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1", **own}


def _as_text(value: object) -> str:
    return json.dumps(value) if isinstance(value, (dict, bool)) else str(value)


class Server:
    """uvicorn in a process of its own; ``settings`` are those of the kit. Leaving the block ends it."""

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "create_watched",
        workers: int = 1,
        prefix: Sequence[str] = (),
        options: Sequence[str] = (),
        **settings: object,
    ) -> None:
        self.folder = folder
        self.data_dir = Path(str(settings.setdefault("data_dir", folder / "data")))
        self._environment = environment(**{"anonymous": "admin", "min_free": 0, **settings})
        self._command = [*prefix, sys.executable, "-m", "uvicorn", f"support.hosts:{host}", "--factory", *options]
        self._command += ["--port", "0", "--workers", str(workers), "--no-access-log"]
        self._log = folder / "server.log"

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                self._command, env=self._environment, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        self.port: int = eventually(self._find_port, "a listening server")
        self.client = httpx2.Client(base_url=self.url, timeout=PATIENCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        if error is not None:
            print(self.log)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return self.data_dir / "telemetry.db"

    @property
    def log(self) -> str:
        """What the process has written to its console."""
        return self._log.read_text("utf-8")

    def _find_port(self) -> int | None:
        assert self.process.poll() is None, self.log
        found = re.search(r"Uvicorn running on http://127\.0\.0\.1:(\d+)", self.log)
        return int(found[1]) if found and _listens(int(found[1])) else None

    def kill(self) -> None:
        """kill -9, workers included."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def get(self, path: str, **params: object) -> Any:
        """JSON of an answer that must be 200."""
        answer = self.client.get(path, params={name: str(value) for name, value in params.items()})
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    def total(self, **params: object) -> int:
        """How many events match, as the list of events tells."""
        found: int = self.get("/telemetry/api/v1/events", limit=1, **params)["pagination"]["total"]
        return found

    def tick(self, first: int, count: int, *, pad: int = 0, flush: bool = False) -> None:
        """Let the host emit numbered events."""
        params = {"first": first, "count": count, "pad": pad, "flush": flush}
        assert self.client.post("/ticks", params=params).status_code == 200

    def ready(self) -> tuple[int, Mapping[str, Any]]:
        """Status and body of the health check."""
        answer = self.client.get("/telemetry/api/v1/health/ready")
        return answer.status_code, answer.json()

    def issue(self, *words: str) -> str:
        """Wait until the health check tells an issue with these words in it, and give that."""

        told: list[str] = []

        def look() -> str | None:
            told[:] = self.ready()[1]["issues"]
            return next((issue for issue in told if all(word in issue for word in words)), None)

        return str(eventually(look, f"an issue with {words}", seen=lambda: told))

    def recovered(self) -> None:
        """Wait until the health check finds nothing wrong."""
        eventually(
            lambda: self.ready()[1]["status"] == "healthy", "the recovery", seen=lambda: self.ready()[1]["issues"]
        )


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False  # Workers listen a moment after their parent has told the address.
    return True
