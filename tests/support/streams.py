"""A client of ``ws``."""

from __future__ import annotations

from collections.abc import Mapping

from websockets.sync.client import ClientConnection, connect

from .sse import raw_socket
from .waiting import PATIENCE


def websocket(
    port: int, receive_buffer: int | None = None, *, query: str = "", headers: Mapping[str, str] | None = None
) -> ClientConnection:
    """An open WebSocket that reads a frame only when it is asked for one."""
    return connect(
        f"ws://127.0.0.1:{port}/telemetry/ws?{query}",
        additional_headers=headers,
        sock=raw_socket(port, receive_buffer),
        max_queue=1,
        compression=None,
        proxy=None,
        close_timeout=0.1,
        open_timeout=PATIENCE,
    )
