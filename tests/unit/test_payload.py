"""What an app hands over becomes JSON that every backend can keep."""

from __future__ import annotations

import collections
import enum
import types
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetrykit.runtime import codec, payload
from telemetrykit.runtime.payload import PayloadEncoder
from telemetrykit.runtime.storable import MAX_BYTES, MAX_DEPTH, find_problems
from telemetrykit.testing.strategies import json_objects

encode = PayloadEncoder()


class Hostile:
    """Raises wherever it is touched."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")

    def __hash__(self) -> int:
        return 1


class HostileMapping(collections.abc.Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise RuntimeError

    def __iter__(self) -> Any:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError


class Colour(enum.Enum):
    RED = "red"
    NESTED = {"password": "x"}  # noqa: RUF012


class Code(enum.IntEnum):
    OK = 200


class Word(enum.StrEnum):
    YES = "yes"


class OldWord(str, enum.Enum):  # noqa: UP042
    YES = "yes"


class Number(int):
    pass


class Fraction(float):
    pass


Point = collections.namedtuple("Point", "x y")  # noqa: PYI024

#: By number, since hypothesis wants to show what it draws from.
ODDITIES = dict(
    enumerate(
        (
            Hostile(),
            HostileMapping(),
            Colour.RED,
            Colour.NESTED,
            Code.OK,
            Word.YES,
            OldWord.YES,
            Number(2**70),
            Fraction("nan"),
            Point(1, 2),
            uuid.UUID(int=1),
            Decimal("NaN"),
            PurePosixPath("/a"),
            datetime(2026, 11, 21, tzinfo=UTC),
            timedelta(seconds=1.5),
            {1, "a"},
            frozenset([(1, 2)]),
            types.MappingProxyType({"a": float("nan")}),
            collections.OrderedDict(a=1),
            b"\x00\xff",
            bytearray(b"x"),
            range(3),
            object(),
            print,
            ...,
            NotImplemented,
            1j,
            int,
        )
    )
)
oddities = st.sampled_from(list(ODDITIES)).map(lambda number: ODDITIES[number])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5) | oddities
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(
            st.text(st.characters(), max_size=3)
            | st.integers()
            | st.none()
            | st.booleans()
            | st.floats()
            | st.tuples(st.integers()),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


def standard_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    standard = codec._StandardJSON()
    for name in ("dumps", "dumps_clean", "dumps_flat"):
        monkeypatch.setattr(payload, name, getattr(standard, name))


@given(data=anything)
def test_whatever_is_emitted_a_store_can_keep_what_becomes_of_it(data: Any) -> None:
    made = encode(data)
    assert isinstance(made.data, dict)
    assert list(find_problems(made.data)) == []
    assert codec.loads(made.encoded) == made.data
    assert len(made.encoded) <= MAX_BYTES


@given(data=anything)
def test_with_and_without_orjson_the_same_becomes_of_it(data: Any) -> None:
    made = encode(data)
    with pytest.MonkeyPatch.context() as patch:
        standard_encoder(patch)
        same = encode(data)
    assert made.data == same.data
    assert made.replaced == same.replaced
    assert codec.loads(made.encoded) == codec.loads(same.encoded)


@given(data=json_objects)
def test_json_stays_what_it_is(data: dict[str, Any]) -> None:
    made = encode(data)
    assert made.data == data
    assert made.replaced == 0


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (datetime(2026, 11, 21, 9, 30, tzinfo=UTC), "2026-11-21T09:30:00+00:00"),
        (timedelta(minutes=1), 60.0),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (Decimal("1.10"), "1.10"),
        (PurePosixPath("/a/b"), "/a/b"),
        (Colour.RED, "red"),
        (Code.OK, 200),
        (OldWord.YES, "yes"),
        (Word.YES, "yes"),
        (Number(7), 7),
        (Fraction(1.5), 1.5),
        (Point(1, 2), [1, 2]),
        ((1, (2,)), [1, [2]]),
        ({3, 1, 2}, [1, 2, 3]),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
    ],
)
def test_known_types_are_converted_and_not_counted(value: Any, kept: Any) -> None:
    made = encode({"value": value})
    assert made.data == {"value": kept}
    assert made.replaced == 0


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (2**63, str(2**63)),
        (b"\xff", "b'\\xff'"),
        (Hostile(), "<Hostile, whose repr raised RuntimeError>"),
        ("a\x00b", "a\ufffdb"),
        ("\ud800", "?"),
        (HostileMapping(), "<HostileMapping left out>"),
    ],
)
def test_what_json_cannot_hold_is_replaced_and_counted(value: Any, kept: Any) -> None:
    made = encode({"value": value})
    assert made.data == {"value": kept}
    assert made.replaced == 1


def test_an_object_without_a_class_is_replaced() -> None:
    class Classless:
        @property
        def __class__(self) -> Any:
            raise RuntimeError("no class")

    assert encode({"value": Classless()}).data == {"value": "<Classless, whose repr raised RuntimeError>"}


def test_keys_become_text_and_a_clash_is_counted() -> None:
    odd: Any = {1: "a", None: "b", False: "c", Word.YES: "d", (1, 2): "e"}
    assert encode(odd).data == {"1": "a", "null": "b", "false": "c", "yes": "d", "(1, 2)": "e"}
    assert encode({1.5: "a", "1.5": "b"}).replaced == 1  # type: ignore[dict-item]


def test_an_integer_enum_is_looked_at_in_no_time() -> None:
    assert encode({"code": Code.OK, "deep": [Code.OK]}).data == {"code": 200, "deep": [200]}


def test_what_is_no_object_is_wrapped() -> None:
    assert encode([1]).data == {"value": [1]}  # type: ignore[arg-type]


def test_nesting_ends_at_the_deepest_level_that_can_be_stored() -> None:
    value: Any = "core"
    for _ in range(1000):
        value = {"in": value}
    made = encode(value)
    assert made.replaced == 1
    depth, inner = 0, made.data
    while isinstance(inner, dict):
        depth, inner = depth + 1, inner["in"]
    assert (depth, inner) == (MAX_DEPTH, "<dict left out>")


def test_data_that_holds_itself_many_times_over_takes_no_time() -> None:
    value: dict[str, Any] = {}
    value.update(a=value, b=value, c=[value, value])
    made = encode(value)
    assert len(made.encoded) <= MAX_BYTES
    assert list(find_problems(made.data)) == []


def test_the_repr_of_a_container_never_stands_in_for_it() -> None:
    value: Any = {"password": "hunter2"}
    for _ in range(MAX_DEPTH):
        value = [value]
    assert b"hunter2" not in encode({"deep": value}).encoded


def test_too_large_data_keeps_its_names_and_small_values() -> None:
    made = encode({"id": 7, "text": "x" * 300_000, "list": list(range(100_000)), "password": "p" * 10})
    assert made.replaced == 1
    assert made.data["id"] == 7
    assert made.data["password"] == "p" * 10
    assert made.data["text"].startswith("xxx")
    assert len(made.data["text"]) < 2000
    assert made.data["list"].startswith("<left out: ")
    assert made.data["truncated"] is True
    assert made.data["bytes"] > 800_000
    assert len(made.encoded) < MAX_BYTES


def test_a_long_string_that_fits_is_kept_whole_whatever_stands_beside_it() -> None:
    long = "x" * 100_000
    assert encode({"long": long, "nan": float("nan")}).data["long"] == long


@pytest.mark.parametrize(
    "data",
    [
        {f"key{n}": n for n in range(200_000)},
        {"x" * 300_000: 1},
        {"a": ["x"] * 200_000},
        {"a": {"b" * 200_000: "c" * 200_000}},
        {"a": "\u20ac" * 100_000},
        {"a": "\x01" * 100_000},
    ],
    ids=["keys", "long key", "list", "nested", "wide characters", "escapes"],
)
def test_whatever_is_too_large_fits_afterwards(data: dict[str, Any]) -> None:
    made = encode(data)
    assert len(made.encoded) <= MAX_BYTES
    assert made.data["truncated"] is True
    assert codec.loads(made.encoded) == made.data


def test_nested_data_is_not_shared_with_the_app() -> None:
    items = [{"sku": "a"}]
    made = encode({"items": items})
    items[0]["sku"] = "changed"
    assert made.data == {"items": [{"sku": "a"}]}


@pytest.mark.parametrize(
    ("value", "pointer", "cure"),
    [
        ({"a": "x\x00"}, "#/data/a", "remove it"),
        ({"a": ["\ud800"]}, "#/data/a/0", "send whole characters"),
        ({"a": 2**63}, "#/data/a", "send it as a string"),
        ({"a": {"b": float("nan")}}, "#/data/a/b", "send null or a string"),
        ({"a": b"x"}, "#/data/a", "send it as a string"),
        ({"a": {b"k": 1}}, "#/data/a/b'k'", "a key of type bytes"),
        ({"a/~": 2**64}, "#/data/a~1~0", "send it as a string"),
        ({"\udfff": 1}, "#/data/?", "send whole characters"),
    ],
)
def test_a_problem_names_its_place_and_its_cure(value: Any, pointer: str, cure: str) -> None:
    (problem,) = find_problems(value)
    assert problem.pointer == pointer
    assert cure in problem.detail
    assert problem.pointer.encode()


def test_too_deep_nesting_is_one_problem() -> None:
    value: Any = 1
    for _ in range(900):
        value = [value]
    (problem,) = find_problems({"a": value})
    assert "flatten it" in problem.detail
