"""The pages of a pdf and the tree that they hang in (ISO 32000-1, section 7.7)."""

from __future__ import annotations

from .file import PdfFile, text_string
from .template import Sheet

#: Pages of one branch: a reader finds page 20,000 without reading the pages before it.
_BRANCH = 200


class Pages:
    """Writes pages as they come, each with a foot that tells its number and, by a form that is drawn when all are
    known, how many there are."""

    def __init__(self, file: PdfFile, sheet: Sheet) -> None:
        self._file = file
        self._sheet = sheet
        self._root = file.reserve()
        self._branches: list[int] = []
        self._kids: list[int] = []
        #: How many pages there are so far.
        self.count = 0

    def add(self, content: str) -> None:
        """Write a page."""
        if not self._kids:
            self._branches.append(self._file.reserve())
        stream = self._file.add_stream(content.encode("ascii"))
        self._kids.append(
            self._file.add(b"<</Type/Page/Parent %d 0 R/Contents %d 0 R>>" % (self._branches[-1], stream))
        )
        self.count += 1
        if len(self._kids) == _BRANCH:
            self._end_branch()

    def finish(self, resources: str) -> int:
        """Write the tree; the number of its root. ``resources`` is what all pages use."""
        if self._kids:
            self._end_branch()
        box = f"[0 0 {self._sheet.width:.2f} {self._sheet.height:.2f}]"
        shared = f"/Count {self.count}/MediaBox{box}/Resources<<{resources}>>"
        self._file.write(self._root, b"<</Type/Pages/Kids[%b]%b>>" % (_references(self._branches), shared.encode()))
        return self._root

    def _end_branch(self) -> None:
        branch = b"<</Type/Pages/Parent %d 0 R/Count %d/Kids[%b]>>"
        body = branch % (self._root, len(self._kids), _references(self._kids))
        self._file.write(self._branches[-1], body)
        self._kids = []


def add_catalog(file: PdfFile, pages: int) -> int:
    """The root of the document: readers show its title, not the name of the file."""
    return file.add(b"<</Type/Catalog/Pages %d 0 R/ViewerPreferences<</DisplayDocTitle true>>>>" % pages)


def add_info(file: PdfFile, title: str, moment: str) -> int:
    """What readers show as properties; ``moment`` is ``YYYYMMDDHHMMSS`` in UTC."""
    date = b"(D:%bZ)" % moment.encode()
    entries = b"/Producer(telemetrykit)/Creator(telemetrykit)/CreationDate%b/ModDate%b" % (date, date)
    return file.add(b"<</Title%b%b>>" % (text_string(title), entries))


def _references(numbers: list[int]) -> bytes:
    return b" ".join(b"%d 0 R" % number for number in numbers)
