"""Sessions of browsers: a signed cookie that says who signed in."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from ..contracts.web import Authenticator, Recall
from ..errors import BackendUnavailable
from ..model.principal import Principal
from ..runtime.principals import principal_from_json, principal_to_json
from ..runtime.signing import Signer
from .parts import WebParts

NAME = "tk_session"
#: Seconds that a session lasts.
SESSION_SECONDS = 12 * 3600
#: Seconds that it lasts where nobody can tell whether its credentials still hold.
UNRECALLED_SECONDS = 3600

_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Session:
    """A cookie to be set."""

    text: str
    #: How long it is good for.
    seconds: int


class Sessions:
    """Makes, reads and ends sessions. Its coroutines run on the kit's loop."""

    def __init__(self, parts: WebParts) -> None:
        self._clock = parts.clock
        self._leases = parts.leases
        self._signer = Signer(parts.secret_keys, "session")
        self._authenticators = {part.name: part for part, _ in parts.authenticators}

    def begin(self, principal: Principal, by: Authenticator, token: str) -> Session:
        """A session for whoever a token stands for, according to an authenticator."""
        seconds = SESSION_SECONDS if isinstance(by, Recall) else UNRECALLED_SECONDS
        content = {
            "i": secrets.token_urlsafe(12),
            "x": self._clock.now() + seconds * _MICROS,
            "p": principal_to_json(principal),
            "by": by.name,
            "k": hashlib.sha256(token.encode()).hexdigest(),
        }
        return Session(self._signer.sign(content), seconds)

    async def find(self, text: str) -> Principal | None:
        """Who a cookie stands for now; None for one that is not ours, is over, or whose token is gone."""
        content = self._signer.read(text)
        if content is None or content["x"] <= self._clock.now() or await self._was_ended(content):
            return None
        by = self._authenticators.get(content["by"])
        if by is None:
            return None
        if isinstance(by, Recall):
            return await by.recall(content["k"])
        return principal_from_json(content["p"])

    async def end(self, text: str) -> Principal | None:
        """Make a cookie worthless, copies of it too; whose it was, None for one that is not ours."""
        content = self._signer.read(text)
        if content is None:
            return None
        seconds = (content["x"] - self._clock.now()) / _MICROS
        if seconds > 0:
            await self._leases.acquire(_end_name(content), "ended", seconds)
        return principal_from_json(content["p"])

    async def _was_ended(self, content: dict[str, Any]) -> bool:
        try:
            return await self._leases.holder(_end_name(content)) is not None
        except BackendUnavailable:
            # While the store is away, people must still be able to see why.
            return False


def _end_name(content: dict[str, Any]) -> str:
    return f"nonce:session:{content['i']}"
