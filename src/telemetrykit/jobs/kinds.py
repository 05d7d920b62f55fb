"""The kinds of jobs that this process knows how to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..contracts.jobs import JobKind
from ..errors import ConfigurationError, FieldError, InvalidRequest
from ..model.problems import invalid, unknown
from ..runtime.schema import Validator, compile_schema


class JobKinds:
    """Kinds by name, and the queues that they wait in."""

    def __init__(self, kinds: Iterable[JobKind]) -> None:
        self._kinds: dict[str, JobKind] = {}
        self._validators: dict[str, Validator] = {}
        for kind in kinds:
            if kind.name in self._kinds:
                raise ConfigurationError(f"There are two kinds of jobs {kind.name!r}: give yours another name.")
            self._kinds[kind.name] = kind
            if kind.schema is not None:
                self._validators[kind.name] = _compile(kind)

    def __iter__(self) -> Iterator[JobKind]:
        return iter(self._kinds.values())

    def find(self, name: str) -> JobKind | None:
        return self._kinds.get(name)

    def get(self, name: str) -> JobKind:
        """Raises InvalidRequest that names the kinds there are."""
        kind = self._kinds.get(name)
        if kind is None:
            raise invalid([FieldError(unknown(name, sorted(self._kinds), "kind"), "#/kind")])
        return kind

    def check(self, kind: JobKind, params: Mapping[str, Any]) -> None:
        """Raises InvalidRequest that says what is wrong in the params."""
        validator = self._validators.get(kind.name)
        errors = validator(params) if validator else ()
        if errors:
            raise InvalidRequest(
                f"The params of a job of kind {kind.name!r} are not valid.",
                errors=[FieldError(error.detail, "#/params" + error.pointer[1:]) for error in errors],
            )

    @property
    def queues(self) -> frozenset[str]:
        """Queues that jobs wait in."""
        return frozenset(kind.queue for kind in self)

    @property
    def heavy_queues(self) -> frozenset[str]:
        """Queues that have a heavy kind."""
        return frozenset(kind.queue for kind in self if kind.heavy)


def _compile(kind: JobKind) -> Validator:
    try:
        return compile_schema(kind.schema or {})
    except ConfigurationError as error:
        raise ConfigurationError(f"Job kind {kind.name!r}: {error}") from None
