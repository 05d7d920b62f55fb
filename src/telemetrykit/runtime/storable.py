"""What every backend can keep as ``data``: a JSON object; strings without U+0000 and lone surrogates; integers of
64 bits; finite floats; at most MAX_DEPTH levels and MAX_BYTES bytes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ..errors import FieldError
from ..model import problems

#: Levels of nesting that ``data`` may have.
MAX_DEPTH = 32
#: Bytes of JSON that ``data`` may have; CloudEvents asks for at least 64 KiB.
MAX_BYTES = 256 * 1024


def find_problems(value: Any, pointer: str = "#/data", depth: int = 0) -> Iterator[FieldError]:
    """What in a value of JSON or msgpack a store could not keep, each with its place; its size is not looked at."""
    if isinstance(value, str):
        if "\x00" in value:
            yield FieldError("a string holds U+0000: remove it", pointer)
        elif not is_unicode(value):
            yield FieldError("a string holds half a surrogate pair: send whole characters", pointer)
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            yield FieldError("an integer does not fit 64 bits: send it as a string", pointer)
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield FieldError("NaN and Infinity are not JSON: send null or a string", pointer)
    elif isinstance(value, (dict, list)):
        yield from _find_in_container(value, pointer, depth)
    elif value is not None:
        yield FieldError(f"a value of type {type(value).__name__} is not JSON: send it as a string", pointer)


def _find_in_container(value: dict[Any, Any] | list[Any], pointer: str, depth: int) -> Iterator[FieldError]:
    if depth >= MAX_DEPTH:
        yield FieldError(f"nested more than {MAX_DEPTH} levels deep: flatten it", pointer)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from find_problems(part, f"{pointer}/{index}", depth + 1)
    else:
        for key, part in value.items():
            place = f"{pointer}/{pointer_token(key)}"
            if isinstance(key, str):
                yield from find_problems(key, place)
            else:
                yield FieldError(f"a key of type {type(key).__name__} is not JSON: send it as a string", place)
            yield from find_problems(part, place, depth + 1)


def is_unicode(text: str) -> bool:
    """True if a text has no lone surrogates, so that it can be encoded."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def pointer_token(key: object) -> str:
    """One step of a JSON pointer to a key that came from outside: always text that can be encoded."""
    return problems.pointer_token(str(key).encode("utf-8", "replace").decode())
