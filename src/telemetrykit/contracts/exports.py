"""What an author of export sources, formats and compressors reads."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol, runtime_checkable

from ..model.export import Column, ExportRequest
from .context import Context

#: One cell. In a column of type ``datetime`` an int is microseconds since the Unix epoch, UTC; in one of type
#: ``json`` a str is compact JSON text. None is an empty cell in every column.
Value = str | int | float | bool | None
#: As many values as there are columns.
Row = Sequence[Value]


class Batch(NamedTuple):
    """Rows that belong together."""

    rows: Sequence[Row]
    #: Cursors of the first and the last of them, where they come from the log.
    first: int | None = None
    last: int | None = None


@runtime_checkable
class Source(Protocol):
    """Something that can be exported as rows.

    All three are coroutines, or generators, of the kit's loop. The same request gives the same rows as long as what it
    reads is stored.
    """

    name: str
    description: str
    #: What a principal needs besides ``exports:create``.
    permission: str

    def columns(self, request: ExportRequest) -> Sequence[Column]:
        """The columns of this request, in order. Raises InvalidRequest for a field that it does not have."""
        ...

    async def count(self, request: ExportRequest, context: Context) -> int | None:
        """How many rows there will be, at least roughly; None where nobody can tell without reading them."""
        ...

    def rows(self, request: ExportRequest, context: Context) -> AsyncIterator[Batch]:
        """Batches of about 1,000 rows, none of them empty, never more than ``request.limit`` rows in all."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a writer is told of the file that it writes."""

    title: str
    columns: Sequence[Column]
    #: Who asked for what, in one or a few lines: shown in pdf, docx and xlsx, not in csv, json, jsonl.
    summary: Sequence[str] = ()
    #: Microseconds since the Unix epoch: the same for every run of one export, so that files are equal.
    created_at: int


@dataclass(slots=True, kw_only=True)
class WriterReport:
    """What was written."""

    rows: int = 0
    #: Characters that the format or its font cannot show, and what stood in their place.
    replaced_characters: int = 0
    #: Cells that were cut at the format's limit.
    shortened_cells: int = 0
    #: Text cells that a spreadsheet would have run as a formula.
    neutralised_cells: int = 0


class Writer(Protocol):
    """Writes one file. Synchronous, used by one thread at a time; memory does not grow with the rows."""

    def write(self, rows: Sequence[Row]) -> None: ...

    def close(self) -> WriterReport:
        """Write what is still to be written, and leave ``out`` open."""
        ...

    def abandon(self) -> None:
        """Let go of everything, temporary files too; the output is thrown away. A second call is a no-op, as is one
        after ``close``."""
        ...


@runtime_checkable
class Format(Protocol):
    """A kind of file."""

    name: str
    media_type: str
    #: With its dot: ".csv".
    suffix: str
    #: The most rows that one file can hold; None is no limit.
    max_rows: int | None
    #: It moves back in the output: compressed files are made from a finished one then.
    seeks: bool

    @abstractmethod
    def open(self, out: BinaryIO, document: Document) -> Writer:
        """Begin a file. Raises MissingDependency that names the pip command."""
        ...


@runtime_checkable
class Dependent(Protocol):
    """What a Format may be besides: one that not every process can make files of."""

    @abstractmethod
    def unavailable(self) -> str | None:
        """Why this process cannot, and the cure; None if it can. Asked at each request, so it imports nothing."""
        ...


@runtime_checkable
class Compressor(Protocol):
    """Makes files smaller on the way out."""

    name: str
    #: With its dot: ".gz".
    suffix: str
    media_type: str

    @abstractmethod
    def wrap(self, out: BinaryIO) -> BinaryIO:
        """A file to write into; closing it ends the compressed data and leaves ``out`` open. The same bytes in give
        the same bytes out."""
        ...
