"""JSON and msgpack."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetrykit.runtime import codec
from telemetrykit.runtime.codec import _FastJSON, _StandardJSON
from telemetrykit.testing.strategies import json_objects, json_values

STANDARD, FAST = _StandardJSON(), _FastJSON()
BOTH = pytest.mark.parametrize("encoder", [STANDARD, FAST], ids=["json", "orjson"])

#: What JSON cannot hold, beside what it can.
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
flat_dicts = st.dictionaries(
    st.text(st.characters(), max_size=3) | st.integers() | st.none(),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    max_size=4,
)


def verdict(function: Any, value: Any) -> Any:
    """What a function makes of a value, or that it refuses it."""
    try:
        return json.loads(function(value))
    except (TypeError, ValueError):
        return "refused"


@BOTH
@given(value=json_values)
def test_json_comes_back_as_it_went_in(encoder: _StandardJSON | _FastJSON, value: Any) -> None:
    text = encoder.dumps(value)
    assert encoder.loads(text) == value
    assert json.dumps(json.loads(text), sort_keys=True) == json.dumps(value, sort_keys=True)
    assert encoder.dumps_clean(value) == text


@given(value=anything)
def test_with_and_without_orjson_the_same_values_are_refused_and_the_others_mean_the_same(value: Any) -> None:
    assert verdict(FAST.dumps, value) == verdict(STANDARD.dumps, value)


@given(value=flat_dicts)
def test_with_and_without_orjson_the_same_flat_dicts_are_refused(value: dict[str, Any]) -> None:
    assert verdict(FAST.dumps_flat, value) == verdict(STANDARD.dumps_flat, value)


@given(value=json_objects)
def test_each_encoder_reads_what_the_other_wrote(value: Any) -> None:
    assert STANDARD.loads(FAST.dumps(value)) == value
    assert FAST.loads(STANDARD.dumps(value)) == value


@BOTH
@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [None, float("-inf")]}, (None, float("nan"))])
def test_nan_and_infinity_are_refused_wherever_they_are(encoder: _StandardJSON | _FastJSON, value: Any) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        encoder.dumps(value)


@BOTH
def test_a_value_that_holds_itself_is_refused(encoder: _StandardJSON | _FastJSON) -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises((TypeError, ValueError)):
        encoder.dumps(value)


@BOTH
@pytest.mark.parametrize("number", [2**53, -(2**53), 2**63, 2**200])
def test_a_flat_dict_keeps_no_integer_that_other_readers_round(encoder: _StandardJSON | _FastJSON, number: int) -> None:
    with pytest.raises(TypeError):
        encoder.dumps_flat({"n": number})
    assert encoder.dumps({"n": number}) == b'{"n":%d}' % number


@BOTH
def test_printable_characters_are_not_escaped(encoder: _StandardJSON | _FastJSON) -> None:
    assert encoder.dumps("é😀\u2028\x7f") == '"é😀\u2028\x7f"'.encode()


@BOTH
@pytest.mark.parametrize("text", [b"", b"{", b'{"a":NaN}', b"\xff", b'{"a":1}x'])
def test_damaged_json_is_a_value_error(encoder: _StandardJSON | _FastJSON, text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each parser has words of its own
        encoder.loads(text)


def test_json_from_outside_may_begin_with_a_byte_order_mark() -> None:
    assert codec.loads_foreign(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b'{"a":', "not JSON: Expecting value at line 1, column 6"),
        (b'{"a":"b', "not JSON: Unterminated string starting at line 1, column 6"),
        (b'["\n"]', "not JSON: Invalid control character at line 1, column 3"),
        (b"\xff", "not UTF-8 (byte 0)"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "not JSON"),
        (b"[NaN]", "NaN is not JSON"),
        (b"-Infinity", "-Infinity is not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5000, "too many digits"),
        ("", "not JSON"),
    ],
)
def test_json_from_outside_that_is_wrong_says_in_words_what_is_wrong(text: bytes | str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        codec.loads_foreign(text)


def test_integers_from_outside_keep_all_their_digits() -> None:
    assert codec.loads_foreign(b"1" * 40) == int("1" * 40)


@given(value=json_values)
def test_msgpack_comes_back_as_it_went_in(value: Any) -> None:
    assert codec.unpack(codec.pack(value)) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x91" * 100_000,
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xa1\xff",
        b"\x81\x01\x01",
        b"\x01\x01",
    ],
    ids=["empty", "reserved", "deep", "array", "map", "binary", "not UTF-8", "integer key", "more"],
)
def test_hostile_msgpack_is_a_value_error_and_takes_no_memory(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"nested too deeply|is not msgpack: ."):
        codec.unpack(data)


@given(data=st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_value_error(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        codec.unpack(data)
