"""JSON Schema 2020-12, compiled once; with jsonschema-rs where the [speed] extra is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NoReturn

import jsonschema
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from ..errors import ConfigurationError, FieldError
from ..model.event import parse_rfc3339
from . import codec
from .storable import pointer_token

Validator = Callable[[Any], Sequence[FieldError]]

_MAX_ERRORS = 20
_MAX_DETAIL = 300
#: Keywords whose messages name keys only; others quote the value, which may be a secret.
_DISCREET = frozenset(("required", "dependentRequired", "additionalProperties", "unevaluatedProperties"))
_formats = jsonschema.FormatChecker(formats=())


def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or parse_rfc3339(value) is not None


# Without extras jsonschema does not know this format, and accepts everything.
_formats.checks("date-time", raises=ValueError)(_is_date_time)


def compile_schema(schema: Mapping[str, Any]) -> Validator:
    """A function from a value to what is wrong with it. Raises ConfigurationError for a schema that is none.

    Nothing is ever fetched: a ``$ref`` to another document is an error.
    """
    try:
        text = codec.dumps(schema)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"The schema is not valid: it is not JSON ({error}).") from None
    return _compile(text)


@lru_cache(maxsize=1_000)
def _compile(text: bytes) -> Validator:
    """Once per process, however many kits it has: a validator takes some kilobytes and a millisecond."""
    schema = codec.loads(text)
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
        _check_references(schema)
    except SchemaError as error:
        raise ConfigurationError(f"The schema is not valid: {error.message} at {error.json_path}.") from None
    registry: Registry[Any] = Registry()
    slow = jsonschema.Draft202012Validator(schema, registry=registry, format_checker=_formats)
    fast = _fast_verdict(schema)

    def check(value: Any) -> Sequence[FieldError]:
        if fast is not None and fast(value):
            return ()
        return _errors(slow, value)

    return check


def _check_references(schema: dict[str, Any]) -> None:
    registry: Registry[Any] = Registry()
    resolver = registry.resolver_with_root(DRAFT202012.create_resource(schema))
    for reference in _references(schema):
        try:
            resolver.lookup(reference)
        except Unresolvable:
            raise ConfigurationError(
                f"The schema is not valid: $ref {reference!r} points to nothing in it, and nothing is fetched."
            ) from None


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(reference := part.get("$ref"), str):
            yield reference
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _fast_verdict(schema: dict[str, Any]) -> Callable[[Any], bool] | None:
    try:
        import jsonschema_rs
    except ImportError:
        return None
    try:
        validator = jsonschema_rs.Draft202012Validator(
            schema, formats={"date-time": _fits}, validate_formats=True, retriever=_refuse_to_fetch
        )
    except ValueError:
        return None  # It knows fewer regular expressions: the other one decides alone.
    verdict: Callable[[Any], bool] = validator.is_valid
    return verdict


def _refuse_to_fetch(uri: str) -> NoReturn:
    raise ValueError(f"{uri} is not fetched")


def _fits(text: str) -> bool:
    try:
        return parse_rfc3339(text) is not None
    except ValueError:
        return False


def _errors(validator: Any, value: Any) -> tuple[FieldError, ...]:
    return tuple(
        FieldError(_detail(error), "#" + "".join(f"/{pointer_token(part)}" for part in error.absolute_path))
        for error in islice(validator.iter_errors(value), _MAX_ERRORS)
    )


def _detail(error: Any) -> str:
    if error.validator in _DISCREET:
        return str(error.message)[:_MAX_DETAIL]
    if error.validator is None:
        return "is not allowed by the schema"
    wanted = codec.dumps(error.validator_value).decode()
    return f"does not fit the schema: {error.validator} {wanted}"[:_MAX_DETAIL]
