"""Sessions of browsers: a signed cookie that says who signed in."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from ..contracts.web import Authenticator
from ..model.principal import Principal
from ..runtime.clock import Clock
from ..runtime.principals import principal_from_json, principal_to_json
from ..runtime.signing import Signer
from .warrant import Warrant, Warrants

NAME = "tk_session"

_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Session:
    """A cookie to be set."""

    text: str
    #: How long it is good for.
    seconds: int


class Sessions:
    """Makes, reads and ends sessions. Its coroutines run on the kit's loop."""

    def __init__(self, secret_keys: Sequence[str], clock: Clock, warrants: Warrants) -> None:
        self._clock = clock
        self._warrants = warrants
        self._signer = Signer(secret_keys, "session")

    def begin(self, principal: Principal, by: Authenticator, token: str) -> Session:
        """A session for whoever a token stands for, according to an authenticator."""
        warrant = self._warrants.of_token(by.name, token)
        content = {
            "i": secrets.token_urlsafe(12),
            "x": warrant.until,
            "p": principal_to_json(principal),
            "by": warrant.by,
            "k": warrant.sha256,
        }
        return Session(self._signer.sign(content), round((warrant.until - self._clock.now()) / _MICROS))

    async def find(self, text: str) -> Principal | None:
        """Who a cookie stands for now; None for one that is not ours, is over, or whose token is gone."""
        known = self._read(text)
        return None if known is None else await self._warrants.find(*known)

    async def end(self, text: str) -> Principal | None:
        """Make a cookie worthless, copies of it too; whose it was, None for one that is not ours."""
        known = self._read(text)
        if known is None:
            return None
        warrant, principal = known
        await self._warrants.end(warrant)
        return principal

    def warrant(self, text: str) -> Warrant | None:
        """On what a cookie was given; None for one that is not ours."""
        known = self._read(text)
        return None if known is None else known[0]

    def _read(self, text: str) -> tuple[Warrant, Principal] | None:
        content = self._signer.read(text)
        if content is None:
            return None
        return Warrant(content["x"], content["by"], content["k"], content["i"]), principal_from_json(content["p"])
