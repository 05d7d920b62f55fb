"""Tickets: how a browser's EventSource, which cannot send a header, is admitted to the live stream.

A ticket is signed, lasts 30 s and admits once. The cookie that comes with it admits the reconnects of the browser
that holds both, while its stream is open and five minutes longer; the stream tells so by prolonging its stay.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio

from ..contracts.storage import Leases
from ..errors import BackendUnavailable, FieldError, Unauthenticated
from ..model.filter import ALL_TENANTS, Filter
from ..model.principal import Principal
from ..model.problems import invalid
from ..runtime.clock import Clock
from ..runtime.portal import Portal
from ..runtime.principals import principal_from_json, principal_to_json
from ..runtime.signing import Signer

#: Seconds in which a ticket must be used.
TICKET_SECONDS = 30
#: How often an open stream prolongs its stay, in seconds.
PROLONG_EVERY = 60.0
#: Seconds that the cookie of a stream is good for, at most; then the page asks for a new ticket.
COOKIE_SECONDS = 12 * 3600

#: Whether a warrant, as it was given to ``issue``, still stands for its principal. Runs on the kit's loop.
Holds = Callable[[Principal, Mapping[str, Any]], Coroutine[Any, Any, bool]]

_ASK_SECONDS = 5.0
_STAY_SECONDS = 300.0 + PROLONG_EVERY
#: A browser keeps cookies of up to 4,096 bytes, name and attributes included (RFC 6265, section 6.1).
_LONGEST = 3600
_MICROS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a client is given."""

    text: str
    #: Microseconds since the Unix epoch.
    expires_at: int
    #: The value of the cookie.
    cookie: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Somebody may open a stream."""

    principal: Principal
    #: What it may see at most: its tenant, its types, and the filter of its ticket.
    filter: Filter
    #: Whether the credentials still stand for the same principal. Raises BackendUnavailable if nobody can tell.
    holds: Callable[[], Awaitable[bool]]
    #: What the stream carries besides events.
    include: frozenset[str] = frozenset()
    #: Present for a ticket: to be kept while the stream is open.
    stay: Stay | None = None

    async def still_holds(self) -> bool:
        """Whether the stream may go on: not if the credentials are known to be gone."""
        try:
            with anyio.fail_after(_ASK_SECONDS):
                return await self.holds()
        except Unauthenticated:
            return False
        except (BackendUnavailable, TimeoutError):
            return True


class Stay:
    """The time in which a stream's cookie admits its browser again."""

    def __init__(self, portal: Portal, leases: Leases, name: str, holder: str) -> None:
        self._portal = portal
        self._leases = leases
        self._name = name
        self._holder = holder

    async def prolong(self) -> None:
        """From now on for another five minutes, at least."""
        try:
            await self._portal.call(self._leases.acquire, self._name, self._holder, _STAY_SECONDS)
        except BackendUnavailable:
            return  # The open stream goes on; at worst a reconnect needs a new ticket.

    async def keep(self) -> None:
        """Prolong for as long as the stream is open: until cancelled."""
        while True:
            await self.prolong()
            await anyio.sleep(PROLONG_EVERY)


class Tickets:
    """Makes tickets and admits those who bring one. Its coroutines may be awaited on any loop."""

    def __init__(
        self, portal: Portal, leases: Leases, clock: Clock, secret_keys: Sequence[str], *, holds: Holds
    ) -> None:
        self._portal = portal
        self._leases = leases
        self._clock = clock
        self._holds = holds
        self._ticket = Signer(secret_keys, "ticket")
        self._cookie = Signer(secret_keys, "stream")

    def issue(
        self, principal: Principal, filter: Filter, warrant: Mapping[str, Any], include: frozenset[str] = frozenset()
    ) -> Ticket:
        """A ticket for this principal, this filter and what to ``include``, good while the ``warrant`` (JSON) holds.

        InvalidRequest if the filter is too long for a cookie.
        """
        now = self._clock.now()
        expires_at = now + TICKET_SECONDS * _MICROS
        whose = {"i": secrets.token_urlsafe(12), "p": principal_to_json(principal), "w": dict(warrant)}
        content = {**whose, **_bound(filter, include)}
        # What cannot be read back must not be handed out: the limits hold for the filter as a whole.
        self._admission(content, "")
        text = self._ticket.sign({**content, "x": expires_at})
        cookie = self._cookie.sign({**content, "x": now + COOKIE_SECONDS * _MICROS})
        if max(len(text), len(cookie)) > _LONGEST:
            raise invalid([FieldError("the filter is too long for a ticket: use fewer terms", "#/q")])
        return Ticket(text=text, expires_at=expires_at, cookie=cookie)

    async def redeem(self, text: str, cookie: str | None = None) -> Admission:
        """Admit the holder of a ticket, or of one that was used and its cookie. Unauthenticated otherwise."""
        ticket = self._ticket.read(text)
        if ticket is None:
            raise Unauthenticated("This is no ticket of ours. A long-lived token does not belong into a URL.")
        name, holder = _lease(ticket), secrets.token_urlsafe(12)
        if ticket["x"] > self._clock.now():
            fence = await self._portal.call(self._leases.acquire, name, holder, _STAY_SECONDS)
            if fence is not None:
                return await self._admit(ticket, holder)
        known = self._cookie.read(cookie) if cookie else None
        if known is not None and known["p"] == ticket["p"]:
            admission = await self._return(ticket, known["x"])
            if admission is not None:
                return admission
        raise Unauthenticated("This ticket was used or has expired: POST api/v1/stream/tickets for a new one.")

    async def recall(self, cookie: str) -> Admission | None:
        """Admit the holder of a cookie whose stream is open, or was until five minutes ago."""
        known = self._cookie.read(cookie)
        return None if known is None else await self._return(known, known["x"])

    async def _return(self, content: dict[str, Any], expires_at: int) -> Admission | None:
        if expires_at <= self._clock.now():
            return None
        lease = await self._portal.call(self._leases.holder, _lease(content))
        return None if lease is None else await self._admit(content, lease.holder)

    async def _admit(self, content: dict[str, Any], holder: str) -> Admission:
        admission = self._admission(content, holder)
        if not await admission.holds():
            raise Unauthenticated("The credentials that this ticket was made with are not good any more.")
        return admission

    def _admission(self, content: dict[str, Any], holder: str) -> Admission:
        tenant = ALL_TENANTS if content["t"] is None else content["t"]
        principal = principal_from_json(content["p"])
        return Admission(
            principal=principal,
            filter=Filter.from_json(content["f"], tenant=tenant, now=0),
            holds=partial(self._portal.call, self._holds, principal, content["w"]),
            # Tickets and cookies of versions before do not have it.
            include=frozenset(content.get("n", ())),
            stay=Stay(self._portal, self._leases, _lease(content), holder),
        )


def _bound(filter: Filter, include: frozenset[str]) -> dict[str, Any]:
    tenant = None if filter.tenant is ALL_TENANTS else filter.tenant
    return {"t": tenant, "f": filter.to_json(), "n": sorted(include)}


def _lease(content: dict[str, Any]) -> str:
    return f"nonce:ticket:{content['i']}"
