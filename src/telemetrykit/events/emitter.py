"""The user's way in: ``emit`` and ``span``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter, time_ns
from typing import Any

from ..model.event import Event, Severity
from ..runtime.error_type import error_type
from ..runtime.ids import IdFactory, TraceIds
from ..runtime.payload import encode_flat
from .buffer import Buffer, Record
from .current import CURRENT, Current, leave


class Emitter:
    """Leaves records in the buffer: from async code, threads, views, module import and scripts."""

    def __init__(self, buffer: Buffer, ids: IdFactory, traces: TraceIds, *, source: str, tenant: str) -> None:
        self._put = buffer.put
        self._next = ids.next
        self._ids = ids
        self._traces = traces
        self._tenant = tenant
        self.source = source

    def emit(
        self,
        type: str,
        data: Mapping[str, Any] | None = None,
        /,
        *,
        subject: str | None = None,
        severity: str | int | None = None,
        tenant: str | None = None,
        time: int | None = None,
        id: str | None = None,
        source: str | None = None,
        traceparent: str | None = None,
        **fields: Any,
    ) -> None:
        """Record that something happened: ``emit("order.paid", amount=12.5, currency="EUR")``.

        Never blocks and never raises. ``data`` and ``fields`` become one JSON object, copied shallowly at once; what
        JSON cannot hold becomes its repr and is counted. ``severity`` is a name or an OpenTelemetry number ("info"
        by default), ``time`` microseconds since the Unix epoch, ``id`` an idempotency key of the caller's own: an
        event of the same ``source`` and ``id`` is stored once. Trace and tenant come from the running request.
        """
        current = CURRENT.get()
        if current is not None and tenant is None:
            tenant = current.tenant
        if data is not None:
            # The plain dict first: an isinstance with Mapping costs as much as all the rest.
            fields = {**data, **fields} if data.__class__ is dict else {**_object(data), **fields}
        self._put(
            (
                self._build,
                time_ns(),
                self._next(),
                type,
                fields,
                subject,
                severity,
                tenant,
                time,
                id,
                source,
                traceparent,
                current,
            )
        )

    @contextmanager
    def span(
        self, name: str, /, *, label: str | None = None, links: Iterable[str] = (), **fields: Any
    ) -> Iterator[dict[str, Any]]:
        """Time a block and emit it as an event of type ``span`` when it ends, with the error if it raised one.

        What is emitted inside carries the span's trace. ``links`` are traceparents of other traces. The yielded
        dict is the event's data: add to it what becomes known on the way.
        """
        parent = CURRENT.get()
        current = self._child_of(parent)
        data: dict[str, Any] = {"name": name, **fields}
        listed = list(links)
        token = CURRENT.set(current)
        started_at, started = time_ns(), perf_counter()
        severity = None
        try:
            yield data
        except BaseException as error:
            severity = "error" if isinstance(error, Exception) else None
            data.setdefault("error.type", error_type(error))
            raise
        finally:
            leave(token)
            data["duration"] = perf_counter() - started
            if label is not None:
                data["label"] = label
            if listed:
                data["links"] = listed
            if parent is not None and parent.span_id is not None:
                data["parent_span_id"] = parent.span_id
            self.emit(
                "span",
                data,
                severity=severity,
                time=started_at // 1000,
                tenant=current.tenant,
                traceparent=current.traceparent,
            )

    def _child_of(self, parent: Current | None) -> Current:
        above = None if parent is None else parent.traceparent
        if above is None:
            traceparent = self._traces.traceparent(time_ns(), self._next())
        else:
            traceparent = f"{above[:36]}{self._traces.span_id()}{above[52:]}"
        return Current(traceparent) if parent is None else parent.child(traceparent)

    def _build(self, record: Record) -> Event:
        (_, time_ns, number, type, data, subject, severity, tenant, time, id, source, traceparent, current) = record
        if traceparent is None and current is not None:
            traceparent = current.traceparent
        return Event(
            type=type,
            source=source or self.source,
            id=id or self._ids.text(time_ns, number),
            time=time_ns // 1000 if time is None else time,
            data=data,
            tenant=tenant or self._tenant,
            severity=9 if severity is None else Severity.of(severity),
            subject=subject,
            traceparent=traceparent,
            foreign=id is not None,
            encoded=encode_flat(data),
        )


def _object(data: object) -> Mapping[str, Any]:
    try:
        return dict(data) if isinstance(data, Mapping) else {"value": data}
    except Exception:  # noqa: BLE001 - a mapping of the app's own may raise anything, emit() may not
        return {"value": data}
