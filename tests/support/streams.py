"""A client of ``ws``."""

from __future__ import annotations

from websockets.sync.client import ClientConnection, connect

from .sse import raw_socket
from .waiting import PATIENCE


def websocket(port: int, receive_buffer: int | None = None) -> ClientConnection:
    """An open WebSocket that reads a frame only when it is asked for one."""
    return connect(
        f"ws://127.0.0.1:{port}/telemetry/ws",
        sock=raw_socket(port, receive_buffer),
        max_queue=1,
        compression=None,
        proxy=None,
        close_timeout=0.1,
        open_timeout=PATIENCE,
    )
