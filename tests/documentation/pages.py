"""The pages of the documentation, taken apart: code blocks, headings, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

_BLOCK = re.compile(
    r'^```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL
)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_PUNCTUATION = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Block:
    """A fenced block: ``title`` names the file that a reader is to put it into."""

    language: str
    title: str | None
    text: str
    #: Of the first line of its text, counted from 0.
    line: int


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def prose(self) -> str:
        """The page without its code blocks."""
        return _BLOCK.sub("", self.text)

    @cached_property
    def blocks(self) -> list[Block]:
        return [
            Block(m["language"], m["title"], m["text"], self.text.count("\n", 0, m.start("text")))
            for m in _BLOCK.finditer(self.text)
        ]

    @cached_property
    def headings(self) -> list[str]:
        return _HEADING.findall(self.prose)

    @cached_property
    def anchors(self) -> set[str]:
        """As GitHub makes them."""
        return {_PUNCTUATION.sub("", heading.lower()).strip().replace(" ", "-") for heading in self.headings}

    @property
    def links(self) -> Iterator[str]:
        return (match[1] for match in _LINK.finditer(self.prose))

    def section(self, heading: str) -> str:
        """What stands below a heading, up to the next one of its level or above; KeyError if there is none."""
        start = re.search(rf"^(#+) {re.escape(heading)}$", self.text, re.MULTILINE)
        if start is None:
            raise KeyError(f"{self.name} has no heading {heading!r}")
        rest = self.text[start.end() :]
        end = re.search(rf"^#{{1,{len(start[1])}}} ", _BLOCK.sub(lambda m: " " * len(m[0]), rest), re.MULTILINE)
        return rest[: end.start()] if end else rest


def page(name: str) -> Page:
    """A page by its path below ``docs``."""
    return Page(DOCS / name)


def all_pages() -> list[Page]:
    """README and everything below ``docs``."""
    return [Page(ROOT / "README.md"), *map(Page, sorted(DOCS.rglob("*.md")))]
