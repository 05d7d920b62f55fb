"""How a request ended when it did not end as it should: errors of the app, told apart from clients that went away."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """``outcome`` in the data of a request or session that did not end by itself; absent otherwise."""

    #: The client went away before the answer was complete.
    DISCONNECTED = "disconnected"
    #: The server, or something around the app, cancelled it.
    CANCELLED = "cancelled"
    #: The app returned before its answer was complete.
    INCOMPLETE = "incomplete"


#: What Starlette and servers raise in an app whose client has gone: of starlette.requests, starlette.websockets,
#: uvicorn.protocols.utils. By name, because a server is no dependency.
_DISCONNECTS = frozenset({"ClientDisconnect", "WebSocketDisconnect", "ClientDisconnected"})


def outcome_of(error: BaseException, *, disconnected: bool) -> Outcome | None:
    """What ended an app that raised; None for an error of its own.

    ``disconnected`` says that the app had been told so before: then a cancellation or an OSError follows from it.
    """
    if type(error).__name__ in _DISCONNECTS:
        return Outcome.DISCONNECTED
    if not isinstance(error, Exception):
        return Outcome.DISCONNECTED if disconnected else Outcome.CANCELLED
    if disconnected and isinstance(error, OSError):
        return Outcome.DISCONNECTED
    return None
