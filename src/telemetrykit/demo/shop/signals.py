"""How the shop tells the world what happens in it, without knowing who listens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol


class Emit(Protocol):
    """Says that something happened: ``emit("order.paid", subject="81f2", amount=12.5)``."""

    def __call__(
        self,
        type: str,
        data: Mapping[str, Any] | None = None,
        /,
        *,
        subject: str | None = None,
        severity: str | int | None = None,
        **fields: Any,
    ) -> None: ...


class Span(Protocol):
    """Times a piece of work: ``with span("payment", label="charge card", order="81f2"):``."""

    def __call__(
        self, type: str, /, *, label: str | None = None, links: Sequence[str] = (), **fields: Any
    ) -> AbstractContextManager[object]: ...


def discard(
    type: str,
    data: Mapping[str, Any] | None = None,
    /,
    *,
    subject: str | None = None,
    severity: str | int | None = None,
    **fields: Any,
) -> None:
    """An :class:`Emit` that nobody listens to."""


def untimed(
    type: str, /, *, label: str | None = None, links: Sequence[str] = (), **fields: Any
) -> AbstractContextManager[object]:
    """A :class:`Span` that measures nothing."""
    return nullcontext()
