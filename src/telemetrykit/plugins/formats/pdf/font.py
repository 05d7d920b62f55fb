"""TrueType fonts of a pdf, of which only what is used goes into the file. Needs reportlab, which cuts them."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from pathlib import Path

from reportlab.pdfbase.ttfonts import TTFError, TTFontFile

from ....errors import ConfigurationError

#: Codes that are the same in every font: those of ASCII.
ASCII = range(128)
#: Those that show something.
PRINTABLE = range(0x20, 0x7F)
#: What one font can carry: the table of codes that reportlab makes has a length of 16 bits.
_MOST_CODES = 32_000
_CONTROLS = frozenset((*range(0x20), *range(0x7F, 0xA0)))


class Face:
    """One font, and the characters of it that are used so far.

    A character's code in the pdf is its place in ``characters``. Widths are in thousandths of the font's size.
    """

    def __init__(self, name: str, font: TTFontFile) -> None:
        #: Of its resource in the pdf.
        self.name = name
        self.characters = list(ASCII)
        self._codes = {code: code for code in ASCII}
        self._font = font

    @classmethod
    def load(cls, name: str, path: Path) -> Face:
        """Read a file; ConfigurationError for one that is no TrueType font or may not be embedded."""
        try:
            return cls(name, TTFontFile(str(path)))
        except (TTFError, OSError, ValueError, LookupError, struct.error) as error:
            raise ConfigurationError(
                f"{path} cannot be the font of a pdf ({error}). Name a TrueType file (.ttf) that may be embedded."
            ) from error

    def has(self, character: int) -> bool:
        """Whether there is a glyph for it, and room for one more."""
        known = self._font.charToGlyph.get(character, 0) and character not in _CONTROLS
        return bool(known) and (character in self._codes or len(self.characters) < _MOST_CODES)

    def has_ascii(self) -> bool:
        return all(map(self.has, PRINTABLE))

    def width(self, character: int) -> float:
        return float(self._font.charWidths.get(character, self._font.defaultWidth))

    def use(self, character: int) -> int:
        """Its code; the first use takes the next free one."""
        code = self._codes.setdefault(character, len(self.characters))
        if code == len(self.characters):
            self.characters.append(character)
        return code

    def codes(self, text: str) -> bytes:
        """A text of used characters, two bytes each."""
        return text.translate(self._codes).encode("utf-16-be")

    def program(self) -> bytes:
        """A TrueType file with the used characters only, for codes below 256 by its own table."""
        return bytes(self._font.makeSubset(self.characters))

    def glyphs(self) -> bytes:
        """The glyph in ``program`` of each code, two bytes each.

        Glyphs are there in the order of their first use, after glyph 0, which shows that one is missing. Characters
        can share a glyph: so a code must not be a glyph, or text could not be copied back.
        """
        places: dict[int, int] = {0: 0}
        found = array("H")
        for character in self.characters:
            found.append(places.setdefault(self._font.charToGlyph.get(character, 0), len(places)))
        found.byteswap()
        return found.tobytes()

    def descriptor(self) -> dict[str, object]:
        """Entries of a font descriptor (ISO 32000-1, section 9.8). Symbolic: the font's own codes count."""
        font, symbolic = self._font, 4
        return {
            "FontName": f"/{self.base_name()}",
            "Flags": symbolic,
            "FontBBox": f"[{' '.join(f'{edge:.0f}' for edge in font.bbox)}]",
            "ItalicAngle": font.italicAngle,
            "Ascent": round(font.ascent),
            "Descent": round(font.descent),
            "CapHeight": round(font.capHeight),
            "StemV": round(font.stemV),
        }

    def base_name(self) -> str:
        """With the tag that tells a subset (ISO 32000-1, section 9.6.4)."""
        tag = "".join(chr(ord("A") + byte % 26) for byte in self.name.encode().ljust(6, b"T"))
        name = bytes(self._font.name).decode("ascii", "ignore")
        return f"{tag}+{''.join(c for c in name if c.isalnum() or c in '-_') or 'Font'}"


def widths(face: Face, codes: Sequence[int]) -> str:
    """An array of a pdf."""
    return f"[{' '.join(f'{face.width(face.characters[code]):.0f}' for code in codes)}]"
