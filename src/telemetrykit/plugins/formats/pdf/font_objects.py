"""A font as objects of a pdf: once as a simple font for ASCII, one byte a character, once as a composite font for all
of its characters, two bytes each (ISO 32000-1, sections 9.6 and 9.7). Both share one font program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .file import PdfFile
from .font import ASCII, PRINTABLE, Face, widths

_SYSTEM = "<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
_MAP_HEAD = (
    "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
    "/CIDSystemInfo <</Registry(Adobe)/Ordering(UCS)/Supplement 0>> def\n"
    "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
)
_MAP_TAIL = "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
#: What one section of a map may hold.
_SECTION = 100


def simple_name(face: Face) -> str:
    return f"/{face.name}"


def composite_name(face: Face) -> str:
    return f"/{face.name}u"


def write_face(file: PdfFile, face: Face) -> str:
    """Write everything that a font needs; its entries of a font resource."""
    program = face.program()
    stream = file.add_stream(program, b"/Length1 %d" % len(program))
    descriptor = _add(file, {"Type": "/FontDescriptor", **face.descriptor(), "FontFile2": f"{stream} 0 R"})
    simple, composite = _simple(file, face, descriptor), _composite(file, face, descriptor)
    return f"{simple_name(face)} {simple} 0 R{composite_name(face)} {composite} 0 R"


def _simple(file: PdfFile, face: Face, descriptor: int) -> int:
    first, last = PRINTABLE[0], PRINTABLE[-1]
    ranges = f"1 beginbfrange\n<{first:02X}> <{last:02X}> <{first:04X}>\nendbfrange\n"
    entries = {
        "Type": "/Font",
        "Subtype": "/TrueType",
        "BaseFont": f"/{face.base_name()}",
        "FirstChar": first,
        "LastChar": last,
        "Widths": widths(face, PRINTABLE),
        "FontDescriptor": f"{descriptor} 0 R",
        "ToUnicode": f"{_add_map(file, '<00> <FF>', ranges)} 0 R",
    }
    return _add(file, entries)


def _composite(file: PdfFile, face: Face, descriptor: int) -> int:
    codes = range(PRINTABLE[0], len(face.characters))
    descendant = {
        "Type": "/Font",
        "Subtype": "/CIDFontType2",
        "BaseFont": f"/{face.base_name()}",
        "CIDSystemInfo": _SYSTEM,
        "FontDescriptor": f"{descriptor} 0 R",
        "W": f"[{codes[0]} {widths(face, codes)}]",
        "CIDToGIDMap": f"{file.add_stream(face.glyphs())} 0 R",
    }
    entries = {
        "Type": "/Font",
        "Subtype": "/Type0",
        "BaseFont": f"/{face.base_name()}",
        "Encoding": "/Identity-H",
        "DescendantFonts": f"[{_add(file, descendant)} 0 R]",
        "ToUnicode": f"{_add_map(file, '<0000> <FFFF>', ''.join(_sections(face.characters)))} 0 R",
    }
    return _add(file, entries)


def _sections(characters: Sequence[int]) -> Iterator[str]:
    codes = [*PRINTABLE, *range(len(ASCII), len(characters))]
    for first in range(0, len(codes), _SECTION):
        section = codes[first : first + _SECTION]
        lines = (f"<{code:04X}> <{chr(characters[code]).encode('utf-16-be').hex()}>\n" for code in section)
        yield f"{len(section)} beginbfchar\n{''.join(lines)}endbfchar\n"


def _add_map(file: PdfFile, codes: str, mapping: str) -> int:
    space = f"1 begincodespacerange\n{codes}\nendcodespacerange\n"
    return file.add_stream(f"{_MAP_HEAD}{space}{mapping}{_MAP_TAIL}".encode("ascii"))


def _add(file: PdfFile, entries: Mapping[str, object]) -> int:
    return file.add("<<{}>>".format("".join(f"/{key} {value}" for key, value in entries.items())).encode("ascii"))
