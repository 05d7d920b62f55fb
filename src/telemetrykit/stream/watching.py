"""A subscription that brings jobs besides events."""

from __future__ import annotations

from collections.abc import Sequence

from ..runtime.portal import Portal
from .client import Client
from .feed import Feed
from .job_board import JobBoard
from .job_watch import JobEncoding, JobScope, JobWatch


class WatchingFeed:
    """A feed of events with, between them, how jobs are. Read on the host's loop."""

    __slots__ = ("_board", "_feed", "_portal", "_watch")

    def __init__(self, feed: Feed, board: JobBoard, portal: Portal, watch: JobWatch) -> None:
        self._feed = feed
        self._board = board
        self._portal = portal
        self._watch = watch

    @property
    def client(self) -> Client:
        return self._feed.client

    @property
    def position(self) -> int:
        return self._feed.position

    @property
    def more(self) -> bool:
        return self._feed.more

    async def read(self) -> Sequence[bytes]:
        return [*await self._feed.read(), *self._watch.take()]

    def close(self) -> None:
        self._feed.close()
        self._portal.soon(self._board.leave, self._watch)


async def watching(feed: Feed, board: JobBoard, portal: Portal, scope: JobScope, encoding: JobEncoding) -> WatchingFeed:
    """The feed with jobs. Where that fails, the feed is closed."""
    try:
        watch = await portal.call(board.open, scope, encoding, feed.client)
    except BaseException:
        feed.close()
        raise
    return WatchingFeed(feed, board, portal, watch)
