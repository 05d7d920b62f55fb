"""JSON and msgpack, with orjson where the [speed] extra is installed: the same answers, faster."""

from __future__ import annotations

import json
import math
from codecs import BOM_UTF8
from collections.abc import Callable
from typing import Any, NoReturn

import msgpack

#: The largest integer that every reader of JSON keeps exactly (RFC 8259, section 6).
_SAFE = 2**53 - 1


class _NotANumberError(ValueError):
    """NaN or an infinity stands where JSON has a value."""


def _refuse_constant(name: str) -> NoReturn:
    raise _NotANumberError(f"{name} is not JSON: send null or a string")


_foreign = json.JSONDecoder(parse_constant=_refuse_constant).decode


class _StandardJSON:
    """The standard library's encoder, made strict: no NaN, no escapes of printable characters."""

    def __init__(self) -> None:
        encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        self._encode = encoder.encode

    def dumps(self, value: Any) -> bytes:
        try:
            return self._encode(value).encode()
        except RecursionError:
            raise ValueError("the value is nested too deeply") from None

    dumps_clean = dumps

    def dumps_flat(self, value: dict[str, Any]) -> bytes:
        for key, part in value.items():
            if type(key) is not str or (type(part) is int and not -_SAFE <= part <= _SAFE):
                raise TypeError(f"{key!r} is not plain JSON")
        return self.dumps(value)

    def loads(self, text: bytes | str) -> Any:
        return _foreign(text if isinstance(text, str) else text.decode())


class _FastJSON:
    """orjson, held to the same rules: the standard encoder has the last word on what orjson refuses."""

    def __init__(self) -> None:
        import orjson

        self._dumps = orjson.dumps
        self._options = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
        self._flat_options = self._options | orjson.OPT_STRICT_INTEGER
        self._slow = _StandardJSON()
        self.loads: Callable[[bytes | str], Any] = orjson.loads

    def dumps(self, value: Any) -> bytes:
        try:
            text: bytes = self._dumps(value, None, self._options)
        except TypeError:
            return self._slow.dumps(value)
        # orjson writes null for NaN and the infinities; only where there is a null need the value be searched.
        if b"null" in text and _has_nonfinite(value):
            raise ValueError("NaN and Infinity are not JSON")
        return text

    def dumps_clean(self, value: Any) -> bytes:
        text: bytes = self._dumps(value, None, self._options)
        return text

    def dumps_flat(self, value: dict[str, Any]) -> bytes:
        text: bytes = self._dumps(value, None, self._flat_options)
        if b"null" in text and any(type(part) is float and not math.isfinite(part) for part in value.values()):
            raise ValueError("NaN and Infinity are not JSON")
        return text


def _has_nonfinite(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, dict):
        return any(_has_nonfinite(part) for part in value.values())
    if isinstance(value, (list, tuple)):
        return any(_has_nonfinite(part) for part in value)
    return False


def _pick() -> _StandardJSON | _FastJSON:
    try:
        return _FastJSON()
    except ImportError:
        return _StandardJSON()


_json = _pick()

#: Compact UTF-8 JSON of a value; TypeError or ValueError for what JSON cannot hold.
dumps: Callable[[Any], bytes] = _json.dumps
#: The same for a value known to be JSON, with no look at whether it is.
dumps_clean: Callable[[Any], bytes] = _json.dumps_clean
#: The same for a dict that holds no other: it also refuses keys that are not exactly ``str``, and integers that not
#: every reader keeps exactly.
dumps_flat: Callable[[dict[str, Any]], bytes] = _json.dumps_flat
#: The value of JSON that we wrote ourselves; ValueError if it is damaged.
loads: Callable[[bytes | str], Any] = _json.loads


def loads_foreign(text: bytes | str) -> Any:
    """The value of JSON that came from outside; ValueError says in words what is wrong.

    NaN and Infinity are refused, integers keep all their digits (at most 4,300), nesting is limited by the parser. A
    byte order mark is left out (RFC 8259, section 8.1).
    """
    try:
        return _foreign(text if isinstance(text, str) else text.removeprefix(BOM_UTF8).decode())
    except UnicodeDecodeError as error:
        raise ValueError(f"the text is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        raise ValueError(f"the text is not JSON: {what} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise ValueError("the text is nested too deeply") from None
    except _NotANumberError:
        raise
    except ValueError:
        # The one thing left that int() refuses: https://docs.python.org/3/library/stdtypes.html#int-max-str-digits
        raise ValueError("an integer has too many digits: send it as a string") from None


def pack(value: Any) -> bytes:
    """msgpack of a value."""
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def unpack(data: bytes) -> Any:
    """The value of msgpack from anywhere; ValueError says what is wrong.

    Strings must be UTF-8 and map keys strings or bytes; bytes, timestamps and extension types stay what they are.
    """
    limit = len(data)
    try:
        return msgpack.unpackb(
            data, raw=False, strict_map_key=True, max_str_len=limit, max_array_len=limit, max_map_len=limit
        )
    except (RecursionError, msgpack.exceptions.StackError):
        raise ValueError("the msgpack is nested too deeply") from None
    except (ValueError, msgpack.UnpackException) as error:
        raise ValueError(f"the data is not msgpack: {str(error) or type(error).__name__}") from None
