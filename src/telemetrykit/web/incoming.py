"""The trace of a request."""

from __future__ import annotations

from ..events.current import Current, FindTenant
from ..runtime.ids import TraceIds
from .trace_headers import Headers, Parent, read_headers


class Incoming(Current):
    """Begins where the caller's trace headers say, else anew.

    Most requests need that only when their event is built, in the kit's thread. So it is worked out when somebody
    asks; the same comes out whoever asks first.
    """

    __slots__ = ("_headers", "_read", "_traces", "number", "time_ns")

    def __init__(
        self, traces: TraceIds, time_ns: int, number: int, headers: Headers, find_tenant: FindTenant | None
    ) -> None:
        self._traceparent = self._tenant = None
        self._read: tuple[bytes | None, Parent | None] | None = None
        self._find_tenant = find_tenant
        self._traces = traces
        self.time_ns = time_ns
        self.number = number
        self._headers = headers

    @property
    def agent(self) -> bytes | None:
        """The user agent."""
        return self._look()[0]

    @property
    def parent(self) -> Parent | None:
        """The span of the caller."""
        return self._look()[1]

    def let_go(self) -> None:
        """The request is over: look for its tenant no more.

        The scope holds this object and the search for the tenant holds the scope; a circle would keep both until the
        garbage collector comes.
        """
        self._find_tenant = None

    def _look(self) -> tuple[bytes | None, Parent | None]:
        read = self._read
        if read is None:
            read = self._read = read_headers(self._headers)
            self._headers = ()
        return read

    def _derive(self) -> str:
        parent = self.parent
        if parent is None:
            return self._traces.traceparent(self.time_ns, self.number)
        return parent.child(self._traces.span_of(self.number))
