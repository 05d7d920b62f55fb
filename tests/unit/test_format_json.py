"""json: one array, with the objects of jsonl, one on a line."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from telemetrykit.plugins.formats.json import JsonFormat
from telemetrykit.plugins.formats.jsonl import JsonLinesFormat
from telemetrykit.testing.conformance.formats import make_document, make_rows, write


def test_an_empty_result_is_an_empty_array() -> None:
    assert write(JsonFormat(), make_document()).data == b"[]"


@given(st.lists(st.integers(0, 5), max_size=5))
def test_the_array_has_the_objects_of_jsonl(sizes: list[int]) -> None:
    batches = [make_rows(size, 10 * n) for n, size in enumerate(sizes)]
    lines = write(JsonLinesFormat(), make_document(), *batches).data.decode().splitlines()
    written = write(JsonFormat(), make_document(), *batches).data.decode()
    assert json.loads(written) == [json.loads(line) for line in lines]
    if lines:
        assert written == "[\n" + ",\n".join(lines) + "\n]"


def test_half_a_surrogate_pair_is_replaced_and_counted() -> None:
    written = write(JsonFormat(), make_document(), [(1, 2, "\udc00\udc00", 3.5, True, "{}")])
    assert json.loads(written.data)[0]["type"] == "\ufffd\ufffd"
    assert written.report.replaced_characters == 2
