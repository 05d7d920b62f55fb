"""A console block, taken apart: commands after ``$``, and below each what it is to print."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_ASSIGNMENT = re.compile(r"[A-Z_]+=.*", re.DOTALL)


@dataclass(frozen=True)
class Command:
    """One command with the variables before it and the output below it."""

    text: str
    environ: Mapping[str, str]
    words: list[str]
    #: JSON is compared by its structure; in other text ``...`` stands for anything.
    expected: str

    @property
    def repeatable(self) -> bool:
        """True for what only reads."""
        if self.words[:2] == ["telemetrykit", "tail"]:
            return True
        return self.words[0] == "curl" and not {"-X", "-d", "--json", "--data-binary"} & set(self.words)

    def differs(self, said: str) -> bool:
        """True if the page shows another output than this."""
        try:
            wanted = json.loads(self.expected)
        except ValueError:
            pattern = r"\s+".join(re.escape(word).replace(r"\.\.\.", ".*") for word in self.expected.split())
            return bool(self.expected) and re.fullmatch(pattern, said.strip(), re.DOTALL) is None
        return not _shape(wanted, json.loads(said))


def commands(block: str) -> Iterator[Command]:
    """The commands of a block; a line that ends in a backslash goes on."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        text, _, expected = re.sub(r"\\\n\s*", " ", part).partition("\n")
        words = shlex.split(text, comments=True)
        environ: dict[str, str] = {}
        while words and _ASSIGNMENT.fullmatch(words[0]):
            name, _, value = words.pop(0).partition("=")
            environ[name] = value
        if words:
            yield Command(text, environ, words, expected.strip())


def _shape(wanted: Any, found: Any) -> bool:
    """Whether two values of JSON have the same names in the same places, as far as both have something there."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return wanted.keys() == found.keys() and all(_shape(wanted[name], found[name]) for name in wanted)
    if isinstance(wanted, list) and isinstance(found, list):
        return not wanted or (bool(found) and _shape(wanted[0], found[0]))
    if wanted is None or found is None:
        return True
    return isinstance(wanted, type(found)) or (isinstance(found, (int, float)) and isinstance(wanted, (int, float)))
