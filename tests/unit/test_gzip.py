"""gzip: every gunzip reads it, and the same bytes in are the same bytes out."""

from __future__ import annotations

import gzip
import io
import itertools
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetrykit.plugins.compressors.gzip import Gzip
from telemetrykit.runtime import deflate

_LINES = b"".join(b"%d,order-%d,2026-11-21T09:30:%02dZ\r\n" % (n, n * 7919 % 5000, n % 60) for n in range(30_000))


@pytest.fixture(params=["isal", "zlib"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(deflate, "_zlib", pytest.importorskip("isal.isal_zlib") if request.param == "isal" else zlib)
    name: str = request.param
    return name


def compress(*pieces: Any) -> bytes:
    out = io.BytesIO()
    with Gzip().wrap(out) as file:
        for piece in pieces:
            assert file.write(piece) == memoryview(piece).nbytes
    assert not out.closed
    return out.getvalue()


@pytest.mark.parametrize("data", [b"", b"x", _LINES])
@pytest.mark.usefixtures("library")
def test_gunzip_reads_what_was_written(data: bytes) -> None:
    compressed = compress(data)
    assert gzip.decompress(compressed) == data
    assert len(compressed) < len(data) / 2 + 40


@pytest.mark.usefixtures("library")
def test_neither_a_time_nor_a_name_is_in_the_file() -> None:
    flags, mtime = compress(b"x")[3], compress(b"x")[4:8]
    assert (flags, mtime) == (0, b"\0\0\0\0")


@given(st.lists(st.integers(0, len(_LINES)), max_size=8))
def test_the_pieces_make_no_difference(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(_LINES)]
    pieces = [_LINES[start:end] for start, end in itertools.pairwise(edges)]
    assert compress(*pieces) == compress(_LINES)


def test_it_takes_whatever_is_bytes() -> None:
    assert gzip.decompress(compress(bytearray(b"a"), memoryview(b"b"))) == b"ab"


def test_a_second_close_writes_nothing() -> None:
    out = io.BytesIO()
    file = Gzip().wrap(out)
    file.write(b"x")
    file.close()
    finished = out.getvalue()
    file.close()
    assert out.getvalue() == finished


def test_nothing_is_written_after_the_end() -> None:
    file = Gzip().wrap(io.BytesIO())
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.write(b"x")


def test_a_file_that_is_given_up_writes_nothing_more() -> None:
    out = io.BytesIO()
    file = Gzip().wrap(out)
    file.write(b"x")
    del file
    assert out.getvalue() == b""
