"""The producing end of the kit by itself: what an app leaves in the buffer, without a store behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.types import ASGIApp

from ..events.buffer import Buffer
from ..events.emitter import Emitter
from ..model.event import Event
from ..runtime.ids import IdFactory, TraceIds
from ..web.capture import Capture
from ..web.recorder import Recorder, TenantOf
from ..web.request_events import RequestEvents


class Recording:
    """A buffer with an emitter and a recorder before it."""

    def __init__(
        self,
        *,
        exclude: Sequence[str] = (),
        groups: Mapping[str, str] | None = None,
        tenant_of: TenantOf | None = None,
        size: int = 10_000,
    ) -> None:
        self.buffer = Buffer(size)
        self.ids, self.traces = IdFactory(), TraceIds()
        self.emitter = Emitter(self.buffer, self.ids, self.traces, source="shop", tenant="default")
        self.emit, self.span = self.emitter.emit, self.emitter.span
        self.recorder = Recorder(
            buffer=self.buffer,
            ids=self.ids,
            traces=self.traces,
            events=RequestEvents(ids=self.ids, source=lambda: self.emitter.source, tenant="default", groups=groups),
            exclude=exclude,
            tenant_of=tenant_of,
        )

    def watch(self, app: ASGIApp) -> Capture:
        """An ASGI app with capture around it."""
        return Capture(app, recorder=self.recorder)

    def take(self) -> list[Event]:
        """The events of everything in the buffer, which is empty afterwards."""
        return [record[0](record) for record in self.buffer.take(len(self.buffer))]

    def take_one(self) -> Event:
        """The only event in the buffer."""
        (event,) = self.take()
        return event
