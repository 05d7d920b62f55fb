"""Several fonts that act as one: each character is shown by the first of them that has it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from zlib import adler32

from .font import PRINTABLE, Face
from .font_objects import composite_name, simple_name

#: Stands between the lines of a text of printable ASCII.
LINE_END = "\r"
#: Stands between the lines of what shows a text: white space, then the operator that moves.
NEXT_LINE = f"{LINE_END}T*"
#: What is shown for a character that no font has: a white square.
MISSING = "\u25a1"
_RUN = re.compile(r"(.)\1*", re.DOTALL)
#: The widest character of ASCII has this many steps, so that the steps of a text fit into bytes.
_MOST_STEPS = 255
#: The lower half of an Adler-32 checksum (RFC 1950) is the sum of the bytes, modulo 65,521, in a third of the time that
#: ``sum`` takes: for so many bytes it is their sum.
_MOST_SUMMED = 65_520 // _MOST_STEPS


class Typeface:
    """Measures and shows text. Widths are counted in steps, of which ``step`` tells the size."""

    def __init__(self, faces: Sequence[Face]) -> None:
        """The last font must have all of ASCII, and the white square."""
        self.faces = faces
        self.ascii = next(face for face in faces if face.has_ascii())
        widths = {code: self.ascii.width(code) for code in PRINTABLE}
        #: In thousandths of the font's size.
        self.step = max(widths.values()) / _MOST_STEPS
        #: Nothing but what is not printable, such as a line end, has no width.
        steps = {code: max(1, round(width / self.step)) for code, width in widths.items()}
        self._ascii_steps = bytes(steps.get(code, 0) for code in range(256))
        self._choice = _Choice(faces)
        self._steps = _Steps(self)

    def steps(self, text: str) -> Sequence[int]:
        """The width of each character."""
        if is_plain(text):
            return text.encode("ascii").translate(self._ascii_steps)
        return list(map(self._steps.__getitem__, text))

    def plain_steps(self, texts: Sequence[str]) -> list[int] | None:
        """The width of each text; None unless all are printable ASCII."""
        joined = "\n".join(texts)
        if not joined.isascii():
            return None
        steps = self.line_steps(joined)
        # What cannot be printed ends a line.
        return steps if len(steps) == len(texts) else None

    def line_steps(self, text: str) -> list[int]:
        """The widths of the lines of a text of printable ASCII and line ends of one character."""
        lines = text.encode("ascii").translate(self._ascii_steps).split(b"\0")
        return [adler32(steps, 0) & 0xFFFF if len(steps) <= _MOST_SUMMED else sum(steps) for steps in lines]

    def face_of(self, character: str) -> Face | None:
        number = self._choice[ord(character)]
        return self.faces[number] if number < len(self.faces) else None

    def clean(self, text: str) -> tuple[str, int]:
        """A text of characters that can be shown, and how many others became white squares."""
        choices = text.translate(self._choice)
        none = chr(len(self.faces))
        lost = choices.count(none)
        if lost:
            pairs = zip(text, choices, strict=True)
            text = "".join(MISSING if choice == none else character for character, choice in pairs)
        return text, lost

    def show(self, text: str, size: float) -> str:
        """Operators that show a clean line; the font is ``simple_name(self.ascii)`` before and after."""
        shown = [f"{composite_name(face)} {size} Tf<{face.codes(run).hex()}>Tj" for face, run in self._runs(text)]
        return f"{''.join(shown)}{simple_name(self.ascii)} {size} Tf"

    def _runs(self, text: str) -> Iterator[tuple[Face, str]]:
        choices = text.translate(self._choice)
        if choices.count(choices[:1]) == len(choices):
            yield self.faces[ord(choices[0])], text
            return
        for run in _RUN.finditer(choices):
            yield self.faces[ord(run[1])], text[run.start() : run.end()]


def is_plain(text: str) -> bool:
    """Printable ASCII."""
    return text.isascii() and text.isprintable()


def show_plain(texts: Sequence[str]) -> list[str]:
    """The operators that show each text of printable ASCII and ``LINE_END`` (ISO 32000-1, section 7.3.4.2)."""
    escaped = "\n".join(texts).replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    lines = escaped.replace(LINE_END, f")Tj{NEXT_LINE}(").replace("\n", ")Tj\n(")
    return f"({lines})Tj".split("\n")


class _Choice(dict[int, int]):
    """The number of the font for a character, as ``str.translate`` asks; one past the last if there is none."""

    def __init__(self, faces: Sequence[Face]) -> None:
        super().__init__({ord("\n"): 0})  # It ends a line and is never shown.
        self._faces = faces

    def __missing__(self, character: int) -> int:
        found = next((number for number, face in enumerate(self._faces) if face.has(character)), len(self._faces))
        if found < len(self._faces):
            self._faces[found].use(character)
        self[character] = found
        return found


class _Steps(dict[str, int]):
    """The width of a character."""

    def __init__(self, typeface: Typeface) -> None:
        self._typeface = typeface

    def __missing__(self, character: str) -> int:
        typeface = self._typeface
        face = typeface.face_of(character)
        width = face.width(ord(character)) if face else typeface.faces[-1].width(ord(MISSING))
        self[character] = steps = round(width / typeface.step)
        return steps
