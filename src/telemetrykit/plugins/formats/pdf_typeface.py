"""Several fonts that act as one: each character is shown by the first of them that has it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .pdf_font import PRINTABLE, Face
from .pdf_font_objects import composite_name, simple_name

#: What is shown for a character that no font has: a white square.
MISSING = "\u25a1"
_RUN = re.compile(r"(.)\1*", re.DOTALL)
#: The widest character of ASCII has this many steps, so that the steps of a text fit into bytes.
_MOST_STEPS = 255


class Typeface:
    """Measures and shows text. Widths are counted in steps, of which ``step`` tells the size."""

    def __init__(self, faces: Sequence[Face]) -> None:
        """The last font must have all of ASCII, and the white square."""
        self.faces = faces
        self.ascii = next(face for face in faces if face.has_ascii())
        widths = [self.ascii.width(code) if code in PRINTABLE else 0.0 for code in range(256)]
        #: In thousandths of the font's size.
        self.step = max(widths) / _MOST_STEPS
        #: Nothing but what is not printable, such as a line end, has no width.
        self._ascii_steps = bytes(max(1, round(width / self.step)) if width else 0 for width in widths)
        self._choice = _Choice(faces)
        self._steps = _Steps(self)

    def steps(self, text: str) -> Sequence[int]:
        """The width of each character."""
        if is_plain(text):
            return text.encode("ascii").translate(self._ascii_steps)
        return list(map(self._steps.__getitem__, text))

    def all_steps(self, texts: Sequence[str]) -> list[int]:
        """The widths of texts of printable ASCII, of which there is one at least."""
        joined = "\n".join(texts).encode("ascii").translate(self._ascii_steps)
        return list(map(sum, joined.split(b"\0")))

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
        for run in _RUN.finditer(text.translate(self._choice)):
            yield self.faces[ord(run[1])], text[run.start() : run.end()]


def is_plain(text: str) -> bool:
    """Printable ASCII."""
    return text.isascii() and text.isprintable()


def show_plain(lines: str) -> str:
    """The operators that show lines of printable ASCII (ISO 32000-1, section 7.3.4.2), with ``\\n`` between them."""
    escaped = lines.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return "(" + escaped.replace("\n", ")Tj\n(") + ")Tj"


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
