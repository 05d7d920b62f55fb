"""Makes the font files that pdf exports carry, from Debian's package fonts-noto-core (SIL Open Font License 1.1).

    pip install fonttools
    apt-get download fonts-noto-core && dpkg -x fonts-noto-core_*.deb unpacked
    python tools/make_fonts.py unpacked/usr/share/fonts/truetype/noto

Kept of Noto Sans are Latin, Greek and Cyrillic; arrows and mathematical signs come from Noto Sans Math, shapes and
check marks from Noto Sans Symbols2. Hints and layout tables go: a pdf uses neither. The same sources give the same
bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

TARGET = Path(__file__).resolve().parent.parent / "src/telemetrykit/plugins/formats/pdf/fonts"
TEXT = (
    (0x20, 0x7E),
    (0xA0, 0x52F),  # Latin, IPA, combining marks, Greek, Cyrillic
    (0x1C80, 0x1C88),
    (0x1D00, 0x1FFE),
    (0x2000, 0x2064),
    (0x2066, 0x20F0),
    (0x2100, 0x218F),
    (0x25CC, 0x25CC),
    (0x2C60, 0x2C7F),
    (0x2DE0, 0x2E52),
    (0xA640, 0xA69F),
    (0xA700, 0xA7FF),
    (0xAB30, 0xAB6B),
    (0xFB00, 0xFB06),
    (0xFE20, 0xFE2F),
    (0xFFFC, 0xFFFD),
)
SIGNS = {
    "NotoSansMath-Regular.ttf": "←↑→↓↔↕↖↗↘↙⇒⇔−≠≤≥≈∞√∑∆∈∅∀∧",
    "NotoSansSymbols2-Regular.ttf": "■□▲▶▼◀○●◆★☆☐☑✓✔✗✘⚠",
}


def make(folder: Path, name: str) -> None:
    font = TTFont(folder / name, recalcTimestamp=False)
    options = Options(hinting=False, layout_features=[], notdef_outline=True, name_IDs=["*"], name_languages=["*"])
    options.drop_tables += ["GDEF", "GPOS", "GSUB", "DSIG"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in TEXT for code in range(first, last + 1)])
    subsetter.subset(font)
    for source, signs in SIGNS.items():
        add_signs(font, TTFont(folder / source), signs)
    font.save(TARGET / name)


def add_signs(font: TTFont, source: TTFont, signs: str) -> None:
    names, outlines = source.getBestCmap(), source.getGlyphSet()
    scale = font["head"].unitsPerEm / source["head"].unitsPerEm
    assert scale == 1, "the fonts of one family have one grid"
    for sign in signs:
        recorded, drawn = DecomposingRecordingPen(outlines), TTGlyphPen(None)
        outlines[names[ord(sign)]].draw(recorded)
        recorded.replay(drawn)
        name = f"uni{ord(sign):04X}"
        font.setGlyphOrder([*font.getGlyphOrder(), name])
        font["glyf"].glyphs[name] = glyph = drawn.glyph()
        glyph.recalcBounds(font["glyf"])
        font["hmtx"].metrics[name] = (outlines[names[ord(sign)]].width, glyph.xMin)
        for table in font["cmap"].tables:
            if table.isUnicode():
                table.cmap[ord(sign)] = name


if __name__ == "__main__":
    for weight in ("Regular", "Bold"):
        make(Path(sys.argv[1]), f"NotoSans-{weight}.ttf")
