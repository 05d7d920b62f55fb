"""What an emit inherits from the request or span that it happens in."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token

FindTenant = Callable[[], str | None]


class Current:
    """Trace and tenant of the running request, span or job."""

    __slots__ = ("_find_tenant", "_tenant", "_traceparent")

    def __init__(self, traceparent: str | None, find_tenant: FindTenant | None = None) -> None:
        self._traceparent = traceparent
        self._tenant: str | None = None
        self._find_tenant = find_tenant

    @property
    def traceparent(self) -> str | None:
        """W3C trace context of version 00: ``00-<trace id>-<span id>-<flags>``; None in a job that no request asked
        for."""
        if self._traceparent is None:
            self._traceparent = self._derive()
        return self._traceparent

    @property
    def span_id(self) -> str | None:
        """None where there is no trace."""
        return self.traceparent and self.traceparent[36:52]

    @property
    def tenant(self) -> str | None:
        """The tenant of the request, asked for until it is known: the host's authentication may still be to come."""
        if self._tenant is None and self._find_tenant is not None:
            self._tenant = self._find_tenant()
        return self._tenant

    def child(self, traceparent: str) -> Current:
        """The same tenant under a new span."""
        return Current(traceparent, lambda: self.tenant)

    def _derive(self) -> str | None:
        """For what knows its trace only when it is asked for it."""
        return None


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
