"""A venv for each peer, made once from its pinned requirements."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from .options import CACHE

_PINS = Path(__file__).parent / "peers"


class UnavailableError(Exception):
    """A peer cannot be measured here; the message says why."""


def python_of(peer: str | None) -> str:
    """The interpreter that has a peer's packages; our own for None."""
    if peer is None:
        return sys.executable
    folder = CACHE / "venvs" / peer
    pins = _PINS / f"{peer}.txt"
    stamp = folder / "pins.txt"
    if not stamp.exists() or stamp.read_text() != pins.read_text():
        _make(folder, pins)
        stamp.write_text(pins.read_text())
    return str(folder / "bin" / "python")


def version_of(peer: str) -> str:
    """The package that is measured, as pinned: it comes first in the file."""
    return (_PINS / f"{peer}.txt").read_text().split()[0]


def _make(folder: Path, pins: Path) -> None:
    print(f"  making a venv for {pins.stem} ...", file=sys.stderr)
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run([*pip, "install", "-r", str(pins)], capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise UnavailableError(f"{pins.stem} cannot be installed: {(errors or ['pip failed'])[-1]}")
