"""The artifacts of the shop in a file, for other programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    id: str
    title: str
    price_cents: int
    size_bytes: int
    thumbnails: int = 0


OPENING = (
    Artifact(id="a1", title="Copper Serif", price_cents=2400, size_bytes=80_000),
    Artifact(id="a2", title="Neon Glyphs", price_cents=900, size_bytes=40_000),
    Artifact(id="a3", title="Arctic Lamp", price_cents=7900, size_bytes=600_000),
)


class Inventory:
    """One process writes it, any may read it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Artifact]:
        """Oldest first; what a shop opens with if there is no file yet."""
        try:
            return [Artifact(**one) for one in json.loads(self._path.read_bytes())]
        except FileNotFoundError:
            return list(OPENING)

    def write(self, artifacts: Iterable[Artifact]) -> None:
        """Replace all of it; whoever reads sees the old or the new."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps([asdict(artifact) for artifact in artifacts]), "utf-8")
        draft.replace(self._path)
