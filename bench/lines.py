"""How the measuring process talks with those that are measured: one JSON object a line, one line in answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .venvs import UnavailableError, python_of

_ROOT = Path(__file__).parent.parent


def environment() -> dict[str, str]:
    """Of a subject: this package can be imported, and hashes are the same every time."""
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": path}


class Subject:
    """A process that is measured. Leaving the ``with`` block ends it."""

    def __init__(self, module: str, *arguments: str, peer: str | None = None) -> None:
        """Run ``bench.subjects.MODULE`` in the venv of a peer. UnavailableError if it cannot be started."""
        self._module = module
        self._process = subprocess.Popen(
            [python_of(peer), "-m", f"bench.subjects.{module}", *arguments],
            cwd=_ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            self._answer()
        except UnavailableError:
            self.close()
            raise

    def ask(self, do: str, **arguments: Any) -> Any:
        """The answer to a command."""
        self.tell(do, **arguments)
        return self._answer()

    def tell(self, do: str, **arguments: Any) -> None:
        """Give a command whose answer is fetched with ``hear``, so that two subjects can work at once."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        return self._answer()

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise UnavailableError(f"bench.subjects.{self._module} ended with an error, see above")
        return json.loads(line)


def serve(commands: Mapping[str, Callable[..., Any]]) -> None:
    """The other side: obey until the input ends."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # What a library prints is no answer.
        print("{}", file=answers, flush=True)
        for line in sys.stdin:
            call = json.loads(line)
            print(json.dumps(commands[call.pop("do")](**call)), file=answers, flush=True)
