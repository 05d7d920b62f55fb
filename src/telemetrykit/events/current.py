"""What an emit inherits from the request or span that it happens in."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token

FindTenant = Callable[[], str | None]


class Current:
    """Trace and tenant of the running request or span."""

    __slots__ = ("_find_tenant", "_tenant", "_traceparent")

    def __init__(self, traceparent: str, find_tenant: FindTenant | None = None) -> None:
        self._traceparent: str | None = traceparent
        self._tenant: str | None = None
        self._find_tenant = find_tenant

    @property
    def traceparent(self) -> str:
        """W3C trace context of version 00: ``00-<trace id>-<span id>-<flags>``."""
        if self._traceparent is None:
            self._traceparent = self._derive()
        return self._traceparent

    @property
    def span_id(self) -> str:
        return self.traceparent[36:52]

    @property
    def tenant(self) -> str | None:
        """The tenant of the request, asked for until it is known: the host's authentication may still be to come."""
        if self._tenant is None and self._find_tenant is not None:
            self._tenant = self._find_tenant()
        return self._tenant

    def child(self, span_id: str) -> Current:
        """The same trace and tenant under a new span."""
        traceparent = self.traceparent
        return Current(f"{traceparent[:36]}{span_id}{traceparent[52:]}", lambda: self.tenant)

    def _derive(self) -> str:
        raise NotImplementedError


#: Set by the capture of a request and by spans, read by emit.
CURRENT: ContextVar[Current | None] = ContextVar("telemetrykit.current", default=None)


def leave(token: Token[Current | None]) -> None:
    """Undo a ``CURRENT.set``.

    A generator may be closed in another context than it began in: a FastAPI dependency in the thread pool, a request
    that the garbage collector ends. Then there is nothing to undo.
    """
    try:  # noqa: SIM105 - suppress() would be a tenth of what a request may cost
        CURRENT.reset(token)
    except ValueError:
        pass
