"""The live edge of the log: follows it, and hands what is new to every group of clients."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from ..contracts.bus import Bus
from ..contracts.storage import EventLog
from ..errors import BackendUnavailable, TooMany
from ..model.event import Event
from ..model.filter import ALL_TENANTS, Filter
from ..runtime.portal import Pace
from .client import Client, wake_all
from .group import Entry, Group
from .protocol import HEARTBEAT_SECONDS, Encoding, encode_all
from .subscription import Start, Subscription, locate

logger = logging.getLogger("telemetrykit.hub")

_EVERYTHING = Filter(tenant=ALL_TENANTS)
_SHORTEST_TICK = 0.010
_LONGEST_TICK = 0.250
# What half a core sends over sockets. With 500 clients a tick is no longer than the interval of the pipeline, so that
# the two waits do not add up.
_CLIENTS_A_SECOND = 25_000
_POLL_SECONDS = 1.0


class Opened(NamedTuple):
    """A new subscription, and the frames of the latest events that come first."""

    subscription: Subscription
    #: Cursor to put on the ``connected`` frame: a client that stops after it resumes there.
    cursor: int
    #: Cursor of the newest event of the log.
    newest: int
    replay: Sequence[bytes]


class HubStats(NamedTuple):
    """What the hub is doing."""

    clients: int
    groups: int
    #: Frames handed to clients since the start.
    broadcasts: int
    #: Cursor up to which the groups have been given events.
    position: int


class Hub:
    """Lives on the kit's loop. Follows the log only while somebody subscribes."""

    def __init__(self, *, log: EventLog, bus: Bus, channel: str, ring_size: int, max_clients: int) -> None:
        self._log = log
        self._bus = bus
        self._channel = channel
        self._ring_size = ring_size
        self._max_clients = max_clients
        self._groups: dict[tuple[Filter, str], Group] = {}
        self._members: dict[Group, set[Subscription]] = defaultdict(set)
        self._pending: list[Event] = []
        self._position = 0
        self._broadcasts = 0
        self.start()

    def start(self) -> None:
        """Begin anew, without clients; the kit's loop may be another one than last time."""
        self._groups.clear()
        self._members.clear()
        self._pending.clear()
        self._behind = asyncio.Event()
        self._due = asyncio.Event()
        self._occupied = asyncio.Event()
        self._joining = asyncio.Lock()
        self._closed = False

    @property
    def stats(self) -> HubStats:
        return HubStats(len(self._all()), len(self._groups), self._broadcasts, self._position)

    @property
    def _readers(self) -> int:
        return sum(len(members) for members in self._members.values())

    @property
    def _newest(self) -> int:
        """Cursor of the newest event that the groups have been given or will be."""
        return (self._pending[-1].cursor or 0) if self._pending else self._position

    @property
    def watched(self) -> bool:
        """True while somebody subscribes."""
        return bool(self._members)

    async def open(self, filter: Filter, encoding: Encoding, client: Client, start: Start) -> Opened:
        """A subscription at a start position. Raises TooMany above the limit of clients."""
        if self._closed:
            raise BackendUnavailable("This process is stopping; connect again.")
        if self._readers >= self._max_clients:
            raise TooMany("This process has as many live streams as it admits; try again later.", retry_after=5)
        async with self._joining:
            bounds = await self._log.bounds()
            if not self._members:
                self._position = bounds.newest
                self._pending.clear()
            elif self._position < bounds.newest:
                await self._read_on()
            self._flush()
            after, gap = self._position, None
            if start.last_event_id is not None:
                after, gap = locate(start.last_event_id, bounds)
            subscription = Subscription(self._group(filter, encoding), self._log, client, after=after, gap=gap)
            self._members[subscription.group].add(subscription)
            self._occupied.set()
        return await self._replayed(subscription, start)

    def leave(self, subscription: Subscription) -> None:
        """The client is gone; a second call is a no-op."""
        group = subscription.group
        members = self._members.get(group)
        if members is None:
            return
        members.discard(subscription)
        if not members:
            del self._members[group]
            self._groups.pop((group.filter, group.encoding.name), None)
        if not self._members:
            self._occupied.clear()

    def offer(self, events: Sequence[Event]) -> None:
        """An observer of the pipeline: events that this process has stored."""
        if not self._members:
            return
        if events[0].cursor == self._newest + 1 and _contiguous(events):
            self._pending.extend(events)
            self._due.set()
        else:
            # Another process wrote in between: the log tells in which order.
            self._behind.set()

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        for client in self._all():
            client.bell.ring([client.close])

    async def run_ticks(self) -> None:
        """Hand on what is pending: at once after a quiet time, else once a tick."""
        while True:
            await self._due.wait()
            self._due.clear()
            self._flush()
            await asyncio.sleep(min(max(_SHORTEST_TICK, self._readers / _CLIENTS_A_SECOND), _LONGEST_TICK))

    async def run_tail(self) -> None:
        """Read what other processes stored, whenever the bus hints or our own events skip a cursor."""
        while True:
            await self._occupied.wait()
            hints = asyncio.create_task(self._follow_hints())
            try:
                while self._occupied.is_set():
                    await self._look()
                    await self._wait_behind()
            finally:
                hints.cancel()
                await asyncio.wait([hints])

    async def run_heartbeats(self) -> None:
        """A sign of life for every client, every 30 s."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            for client in self._all():
                client.bell.ring([client.beat])

    async def _replayed(self, subscription: Subscription, start: Start) -> Opened:
        newest, cursor = subscription.group.edge.position, subscription.position
        events: Sequence[Event] = ()
        if start.last_event_id is None and start.replay:
            with suppress(BackendUnavailable):  # A filter that hardly ever matches may take too long: no replay then.
                events = await self._log.latest(subscription.group.filter, limit=start.replay, upto=cursor)
        if events:
            cursor = (events[0].cursor or 1) - 1
        return Opened(subscription, cursor, newest, encode_all(subscription.group.encoding, events))

    def _group(self, filter: Filter, encoding: Encoding) -> Group:
        key = (filter, encoding.name)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(filter, encoding, position=self._position, size=self._ring_size)
        return group

    def _flush(self) -> None:
        if not self._pending:
            return
        pace = Pace()
        entries = [Entry(event) for event in self._pending]
        self._position = self._pending[-1].cursor or self._position
        self._pending = []
        for group, members in list(self._members.items()):
            matched = group.extend(entries, pace)
            if matched:
                self._broadcasts += matched * len(members)
                wake_all(member.client for member in members)
                group.trim(min(member.next_chunk for member in members))
            pace()

    def _all(self) -> set[Client]:
        return {member.client for members in self._members.values() for member in members}

    async def _follow_hints(self) -> None:
        while True:
            try:
                async with self._bus.subscribe(self._channel) as hints:
                    async for _ in hints:
                        self._behind.set()
            except BackendUnavailable as error:
                logger.warning("no hints, looking every second: %s", error, extra={"action": "bus.unavailable"})
            await asyncio.sleep(_POLL_SECONDS)

    async def _wait_behind(self) -> None:
        with suppress(TimeoutError):  # A slow look in case a hint was lost.
            async with asyncio.timeout(_POLL_SECONDS):
                await self._behind.wait()

    async def _look(self) -> None:
        """Read on if there is anything: most hints are about what this process has stored and offered itself."""
        self._behind.clear()
        try:
            if (await self._log.bounds()).newest > self._newest:
                await self._read_on()
        except BackendUnavailable as error:
            logger.debug("the log cannot be read now: %s", error)
            await asyncio.sleep(_POLL_SECONDS)

    async def _read_on(self) -> None:
        async for batch in self._log.scan(_EVERYTHING, after=self._newest):
            # Own events may have been offered while the log was read.
            last = self._newest
            self._pending.extend(event for event in batch if (event.cursor or 0) > last)
            self._due.set()


def _contiguous(events: Sequence[Event]) -> bool:
    first, last = events[0].cursor, events[-1].cursor
    return first is not None and last is not None and last - first == len(events) - 1
