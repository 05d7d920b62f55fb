"""The fonts of a pdf: what is embedded of them, and which character each code means."""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path

import pytest
from reportlab.pdfbase.ttfonts import TTFontFile

from telemetrykit.plugins.formats import pdf
from telemetrykit.plugins.formats.pdf.font import Face

_FONTS = Path(pdf.__file__).with_name("fonts")


@pytest.fixture
def face() -> Face:
    return Face.load("R", _FONTS / "NotoSans-Regular.ttf")


@pytest.mark.parametrize("name", ["NotoSans-Regular.ttf", "NotoSans-Bold.ttf"])
def test_the_shipped_fonts_have_latin_greek_cyrillic_and_the_white_square(name: str) -> None:
    face = Face.load("R", _FONTS / name)
    assert face.has_ascii()
    for first, last in ((0xA0, 0x17F), (0x391, 0x3A1), (0x3A3, 0x3C9), (0x400, 0x45F), (0x1F00, 0x1F07)):
        assert all(map(face.has, range(first, last + 1)))
    assert all(map(face.has, map(ord, "□→≤≠✓€…")))
    assert (_FONTS / name).stat().st_size < 250_000


def test_their_licence_lies_beside_them() -> None:
    assert "SIL OPEN FONT LICENSE" in (_FONTS / "OFL.txt").read_text()


def test_ascii_has_its_own_codes_and_others_get_the_next() -> None:
    face = Face.load("R", _FONTS / "NotoSans-Regular.ttf")
    assert [face.use(ord(character)) for character in "AéΩAé"] == [65, 128, 129, 65, 128]
    assert face.codes("AéΩ") == bytes([0, 65, 0, 128, 0, 129])


def test_controls_and_halves_of_pairs_are_in_no_font(face: Face) -> None:
    assert not any(map(face.has, (0, 9, 10, 13, 27, 0x7F, 0x80, 0xD800, 0xFFFF, 0x1F600)))


def test_each_code_shows_the_glyph_of_its_character(face: Face) -> None:
    """The outline is the same in the whole font and in what is embedded, though glyphs are numbered anew."""
    for character in "éΩЖЁ\u00a0Å\u212bfi":
        face.use(ord(character))
    program, whole = face.program(), TTFontFile(str(_FONTS / "NotoSans-Regular.ttf"))
    glyphs = list(struct.unpack(f">{len(face.characters)}H", face.glyphs()))
    outlines, originals = _lengths(program), _lengths((_FONTS / "NotoSans-Regular.ttf").read_bytes())
    assert len(program) < 40_000
    for code, character in enumerate(face.characters):
        if face.has(character):
            assert outlines[glyphs[code]] == originals[whole.charToGlyph[character]], chr(character)


def test_codes_of_one_byte_mean_the_same_glyphs_to_the_font_itself(face: Face) -> None:
    face.use(ord("é"))
    table = _table(face.program(), b"cmap")
    count = int.from_bytes(table[20:22])
    assert table[22 : 22 + 2 * count] == face.glyphs()


def _table(font: bytes, tag: bytes) -> bytes:
    for at in range(12, 12 + 16 * int.from_bytes(font[4:6]), 16):
        if font[at : at + 4] == tag:
            start, length = struct.unpack(">LL", font[at + 8 : at + 16])
            return font[start : start + length]
    raise AssertionError(f"no table {tag!r}")


def _lengths(font: bytes) -> list[tuple[int, bytes]]:
    """Of each glyph its length, rounded as tables pad it, and the box around it."""
    long = _table(font, b"head")[51]
    places = _table(font, b"loca")
    size, unit = (4, 1) if long else (2, 2)
    offsets = [int.from_bytes(places[at : at + size]) * unit for at in range(0, len(places), size)]
    data = _table(font, b"glyf")
    return [(-(-(end - start) // 4), data[start : start + 10]) for start, end in pairwise(offsets)]
