"""What the captures of ASGI and WSGI hosts share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ..events.buffer import Buffer
from ..model.glob import TextTest, any_glob_test
from ..runtime.ids import IdFactory, TraceIds
from .incoming import Incoming
from .request_events import RequestEvents
from .trace_headers import Headers

logger = logging.getLogger("telemetrykit.capture")

#: Finds the tenant of a request in its ASGI scope or WSGI environ; None if it has none, or not yet.
TenantOf = Callable[[Mapping[str, Any]], str | None]

#: Where a captured request carries its Current, in the ASGI scope or the WSGI environ.
SCOPE_CURRENT = "telemetrykit.current"
#: Set by the kit's own mount: the kit does not watch itself.
INTERNAL = "telemetrykit.internal"
#: Where a framework that answers an error itself says which it was.
ERROR = "telemetrykit.error"


class Recorder:
    """Begins the trace of a request, finds its tenant, and takes its record."""

    def __init__(
        self,
        *,
        buffer: Buffer,
        ids: IdFactory,
        traces: TraceIds,
        events: RequestEvents,
        exclude: Sequence[str] = (),
        tenant_of: TenantOf | None = None,
    ) -> None:
        self.put = buffer.put
        self.build_request = events.request
        self.build_session = events.session
        #: Whether a path is left alone; None if none is.
        self.excluded: TextTest | None = any_glob_test(exclude) if exclude else None
        #: Times that ``tenant_of`` raised, or answered something else than a name.
        self.tenant_errors = 0
        self.finds_tenants = tenant_of is not None
        self._next_number = ids.next
        self._traces = traces
        self._tenant_of = tenant_of

    def begin(self, time_ns: int, headers: Headers, host: Mapping[str, Any]) -> Incoming:
        """The trace of a request; ``host`` is its ASGI scope or WSGI environ."""
        find = partial(self._find_tenant, self._tenant_of, host) if self._tenant_of is not None else None
        return Incoming(self._traces, time_ns, self._next_number(), headers, find)

    def _find_tenant(self, tenant_of: TenantOf, host: Mapping[str, Any]) -> str | None:
        try:
            tenant = tenant_of(host)
        except Exception as error:  # noqa: BLE001 - the host's function must not reach the host's response
            self._note_error(f"raised {type(error).__name__}")
            return None
        if tenant is not None and not (isinstance(tenant, str) and tenant):
            self._note_error(f"answered {type(tenant).__name__} instead of a name")
            return None
        return tenant

    def _note_error(self, problem: str) -> None:
        self.tenant_errors += 1
        if self.tenant_errors == 1:
            logger.warning("tenant_of %s: the default tenant is taken", problem, extra={"action": "tenant.failed"})
