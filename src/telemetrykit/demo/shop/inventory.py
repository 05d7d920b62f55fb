"""The shelves in a file, for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from .model import Artifact

_ARTIFACTS = TypeAdapter(list[Artifact])


class Inventory:
    """What the shop has on its shelves, in a JSON file: one process writes it, any may read it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, artifacts: Sequence[Artifact]) -> None:
        """Replace all of it; whoever reads sees the old or the new."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.write_bytes(_ARTIFACTS.dump_json(list(artifacts)))
        draft.replace(self._path)

    def read(self) -> list[Artifact]:
        """Oldest first; nothing before the shop has opened."""
        try:
            return _ARTIFACTS.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return []
