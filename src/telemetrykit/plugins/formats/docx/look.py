"""How a docx looks without a template: the page, its header and footer, and the styles. Needs python-docx."""

from __future__ import annotations

from typing import Any

from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Emu, Inches, Mm, Pt, RGBColor

TABLE_STYLE, CELL_STYLE = "Telemetry Table", "Telemetry Cell"
#: Of the text in cells, in points.
SIZE = 7.5
_FONT = "Arial"
_INK, _MUTED = RGBColor(0x14, 0x18, 0x1F), RGBColor(0x5B, 0x64, 0x72)
#: A4 in landscape; a table of many columns has wider pages, up to what Word can have.
_WIDTH, _HEIGHT, _MARGIN, _NARROWEST, _LARGEST = Mm(297), Mm(210), Mm(13), Pt(42), Inches(22)
_ACCENT, _LINE, _BAND = "2F5BD8", "E3E6EB", "EEF2FB"
_TABLE_XML = f"""
<w:style {nsdecls("w")} w:type="table" w:customStyle="1" w:styleId="TelemetryTable">
  <w:name w:val="{TABLE_STYLE}"/><w:basedOn w:val="TableNormal"/><w:uiPriority w:val="99"/>
  <w:tblPr>
    <w:tblBorders>
      <w:bottom w:val="single" w:sz="4" w:space="0" w:color="{_LINE}"/>
      <w:insideH w:val="single" w:sz="4" w:space="0" w:color="{_LINE}"/>
    </w:tblBorders>
    <w:tblCellMar>
      <w:top w:w="40" w:type="dxa"/><w:left w:w="90" w:type="dxa"/>
      <w:bottom w:w="40" w:type="dxa"/><w:right w:w="90" w:type="dxa"/>
    </w:tblCellMar>
  </w:tblPr>
  <w:tblStylePr w:type="firstRow">
    <w:rPr><w:b/></w:rPr>
    <w:tcPr>
      <w:tcBorders><w:bottom w:val="single" w:sz="8" w:space="0" w:color="{_ACCENT}"/></w:tcBorders>
      <w:shd w:val="clear" w:color="auto" w:fill="{_BAND}"/>
    </w:tcPr>
  </w:tblStylePr>
</w:style>"""


def dress(doc: Any, title: str, moment: str, columns: int) -> None:
    """Make python-docx's own template ours: landscape, the title on the pages after the first, page numbers."""
    section = doc.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width = Emu(min(max(_WIDTH, 2 * _MARGIN + columns * _NARROWEST), _LARGEST))
    section.page_height = Emu(_HEIGHT * section.page_width // _WIDTH)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = _MARGIN
    section.header_distance = section.footer_distance = Mm(7)
    _dress_styles(doc.styles)
    doc.styles.element.append(parse_xml(_TABLE_XML))
    section.different_first_page_header_footer = True
    section.header.paragraphs[0].text = title
    right = section.page_width - section.left_margin - section.right_margin
    for footer in (section.footer, section.first_page_footer):
        _number(footer.paragraphs[0], moment, right)


def _dress_styles(styles: Any) -> None:
    """Cells, of which there may be millions, have the default style: they need not name it."""
    normal = styles["Normal"]
    _set_font(normal, SIZE, _INK)
    normal.paragraph_format.space_after = Pt(0)
    normal.paragraph_format.line_spacing = 1.0
    for name, size, colour in (("Title", 18, _INK), ("Subtitle", 9, _MUTED), ("Header", SIZE, _MUTED)):
        _set_font(styles[name], size, colour)
    _set_font(styles["Footer"], SIZE, _MUTED)
    title, subtitle = styles["Title"], styles["Subtitle"]
    title.font.bold, subtitle.font.italic = True, False
    title.paragraph_format.space_after = Pt(3)
    _remove(title, "w:pBdr", "w:rPr/w:spacing", "w:rPr/w:kern")
    _remove(subtitle, "w:rPr/w:spacing")
    _remove(styles["Footer"], "w:tabs")


def _set_font(style: Any, size: float, colour: RGBColor) -> None:
    style.font.name, style.font.size, style.font.color.rgb = _FONT, Pt(size), colour
    properties = style.element.rPr
    for old in properties.findall(qn("w:szCs")):
        properties.remove(old)
    complex_size = OxmlElement("w:szCs")
    complex_size.set(qn("w:val"), str(int(size * 2)))
    properties.find(qn("w:sz")).addnext(complex_size)
    fonts = properties.rFonts
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    fonts.set(qn("w:cs"), _FONT)


def _remove(style: Any, *paths: str) -> None:
    for path in paths:
        for element in style.element.xpath(f".//{path}"):
            element.getparent().remove(element)


def _number(paragraph: Any, moment: str, right: int) -> None:
    """``Page 1 of 9`` at the left, the time at the right."""
    stops = paragraph.paragraph_format.tab_stops
    stops.add_tab_stop(right, WD_TAB_ALIGNMENT.RIGHT)
    paragraph.add_run("Page ")
    _add_field(paragraph, "PAGE")
    paragraph.add_run(" of ")
    _add_field(paragraph, "NUMPAGES")
    paragraph.add_run(f"\t{moment}")


def _add_field(paragraph: Any, code: str) -> None:
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), code)
    run = OxmlElement("w:r")
    text = OxmlElement("w:t")
    text.text = "1"
    run.append(text)
    field.append(run)
    paragraph._p.append(field)  # noqa: SLF001 - python-docx has no public way to a field
