"""On what somebody was recognised, kept for later: whether a session, a ticket or a stream is still good."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..contracts.web import Recall
from ..errors import BackendUnavailable
from ..model.principal import Principal
from ..runtime.signing import Signer
from .parts import WebParts

#: Seconds that a token, and a session made of one, is good for before it must be shown again.
RECALLED_SECONDS = 12 * 3600
#: The same where nobody can tell whether the credentials still hold.
UNRECALLED_SECONDS = 3600

_MICROS = 1_000_000


class Warrant(NamedTuple):
    """What can be asked about later."""

    #: When it ends by itself, in microseconds since the Unix epoch.
    until: int
    #: The authenticator that knows a token, and the token's SHA-256 in hex; empty if nobody can be asked.
    by: str = ""
    sha256: str = ""
    #: The id of a session, which may be ended; empty without one.
    session: str = ""


class Warrants:
    """Makes warrants, and tells whom they stand for. Its coroutines run on the kit's loop."""

    def __init__(self, parts: WebParts) -> None:
        self._clock = parts.clock
        self._leases = parts.leases
        self._authenticators = {part.name: part for part, _ in parts.authenticators}
        self._signer = Signer(parts.secret_keys, "warrant")

    def of_token(self, by: str, token: str) -> Warrant:
        """That of somebody whom an authenticator knows by a token."""
        seconds = RECALLED_SECONDS if isinstance(self._authenticators.get(by), Recall) else UNRECALLED_SECONDS
        return Warrant(self._until(seconds), by, hashlib.sha256(token.encode()).hexdigest())

    async def of_bearer(self, token: str, principal: Principal) -> Warrant:
        """That of a principal who shows a token; a short one if no authenticator knows it as this principal's."""
        for name, part in self._authenticators.items():
            if isinstance(part, Recall):
                warrant = self.of_token(name, token)
                if await part.recall(warrant.sha256) == principal:
                    return warrant
        return self.unrecalled()

    def unrecalled(self) -> Warrant:
        """That of somebody whose credentials nobody can be asked about."""
        return Warrant(self._until(UNRECALLED_SECONDS))

    async def find(self, warrant: Warrant, principal: Principal) -> Principal | None:
        """Whom it stands for now, who stood for ``principal``; None if it is over. May raise BackendUnavailable."""
        if warrant.until <= self._clock.now() or (warrant.session and await self._was_ended(warrant.session)):
            return None
        part = self._authenticators.get(warrant.by)
        if isinstance(part, Recall):
            return await part.recall(warrant.sha256)
        return principal if part is not None or not warrant.by else None

    async def end(self, warrant: Warrant) -> None:
        """End a session, wherever there are copies of it."""
        seconds = (warrant.until - self._clock.now()) / _MICROS
        if seconds > 0:
            await self._leases.acquire(_end_name(warrant.session), "ended", seconds)

    def to_json(self, warrant: Warrant) -> Mapping[str, Any]:
        """For signed text in a URL: who reads it cannot try tokens against the digest."""
        nonce = secrets.token_urlsafe(12)
        veiled = self._signer.veil(warrant.sha256, nonce) if warrant.sha256 else ""
        return {"x": warrant.until, "by": warrant.by, "k": veiled, "s": warrant.session, "n": nonce}

    async def holds(self, principal: Principal, wire: Mapping[str, Any]) -> bool:
        """Whether what ``to_json`` made still stands for the same principal with the same rights."""
        digest = self._signer.veil(wire["k"], wire["n"]) if wire["k"] else ""
        return await self.find(Warrant(wire["x"], wire["by"], digest, wire["s"]), principal) == principal

    def _until(self, seconds: float) -> int:
        return self._clock.now() + int(seconds * _MICROS)

    async def _was_ended(self, session: str) -> bool:
        try:
            return await self._leases.holder(_end_name(session)) is not None
        except BackendUnavailable:
            # While the store is away, people must still be able to see why.
            return False


def _end_name(session: str) -> str:
    return f"nonce:session:{session}"
