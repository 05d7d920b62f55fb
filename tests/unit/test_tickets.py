"""Tickets for the live stream."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from telemetrykit.errors import BackendUnavailable, InvalidRequest, Unauthenticated
from telemetrykit.model.filter import ALL_TENANTS, Filter
from telemetrykit.model.principal import Principal
from telemetrykit.model.query import parse_query
from telemetrykit.plugins.stores.memory import MemoryStore
from telemetrykit.runtime.portal import Portal
from telemetrykit.stream.tickets import COOKIE_SECONDS, TICKET_SECONDS, Ticket, Tickets
from telemetrykit.testing.clock import FakeClock

ADA = Principal.with_roles(id="ada", tenant="acme", roles=["viewer"], permissions=["traces:read"])
BOB = Principal(id="bob", tenant="acme", roles=frozenset({"staff"}), permissions=frozenset({"events:read"}))
EVERYTHING = Filter(tenant="acme")
KEYS = ("k" * 32,)
WARRANT = {"by": "token"}
FIVE_MINUTES = 300


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


class Stage:
    """Tickets over leases in memory, with one clock for both."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.portal = Portal()
        self.gone: set[str] = set()
        self.store = MemoryStore(self.clock)
        self.tickets = self.with_keys(KEYS)

    def with_keys(self, keys: tuple[str, ...]) -> Tickets:
        return Tickets(self.portal, self.store, self.clock, keys, holds=self.holds)

    async def holds(self, principal: Principal, warrant: Mapping[str, Any]) -> bool:
        """A warrant names the credentials that must not be gone."""
        return warrant["by"] not in self.gone

    async def is_admitted(self, ticket: str, cookie: str | None = None) -> bool:
        try:
            await self.tickets.redeem(ticket, cookie)
        except Unauthenticated:
            return False
        return True


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.portal.stop()


@pytest.mark.parametrize("principal", [ADA, BOB])
@pytest.mark.parametrize(
    "filter",
    [
        EVERYTHING,
        Filter(tenant=ALL_TENANTS, types=("order.*", "trace.*"), severity=13),
        Filter(tenant="acme", where=parse_query('status>=500 -(route:/api/* or "two words") café')),
    ],
)
async def test_a_ticket_gives_back_the_principal_and_the_filter(
    stage: Stage, principal: Principal, filter: Filter
) -> None:
    admission = await stage.tickets.redeem(stage.tickets.issue(principal, filter, WARRANT).text)
    assert (admission.principal, admission.filter) == (principal, filter)


async def test_a_ticket_admits_once(stage: Stage) -> None:
    ticket = stage.tickets.issue(ADA, EVERYTHING, WARRANT)
    assert await stage.is_admitted(ticket.text)
    assert not await stage.is_admitted(ticket.text)


async def test_a_ticket_lasts_thirty_seconds(stage: Stage) -> None:
    early, late = stage.tickets.issue(ADA, EVERYTHING, WARRANT), stage.tickets.issue(ADA, EVERYTHING, WARRANT)
    assert early.expires_at == stage.clock.now() + TICKET_SECONDS * 1_000_000
    stage.clock.advance(TICKET_SECONDS - 1)
    assert await stage.is_admitted(early.text)
    stage.clock.advance(1)
    assert not await stage.is_admitted(late.text)


async def test_its_cookie_admits_again_while_the_stream_is_open_and_five_minutes_longer(stage: Stage) -> None:
    ticket = stage.tickets.issue(ADA, EVERYTHING, WARRANT)
    assert not await stage.tickets.recall(ticket.cookie)
    stay = (await stage.tickets.redeem(ticket.text)).stay
    assert stay is not None
    for _ in range(10):
        stage.clock.advance(60)
        await stay.prolong()
    stage.clock.advance(FIVE_MINUTES)
    assert await stage.is_admitted(ticket.text, ticket.cookie)
    assert await stage.tickets.recall(ticket.cookie) is not None
    stage.clock.advance(2 * FIVE_MINUTES)
    assert not await stage.is_admitted(ticket.text, ticket.cookie)
    assert await stage.tickets.recall(ticket.cookie) is None


async def test_a_client_that_came_back_keeps_the_stay_of_the_first(stage: Stage) -> None:
    ticket = stage.tickets.issue(ADA, EVERYTHING, WARRANT)
    await stage.tickets.redeem(ticket.text)
    back = await stage.tickets.redeem(ticket.text, ticket.cookie)
    assert back.stay is not None
    stage.clock.advance(FIVE_MINUTES)
    await back.stay.prolong()
    stage.clock.advance(FIVE_MINUTES)
    assert await stage.is_admitted(ticket.text, ticket.cookie)


async def test_a_cookie_is_good_for_twelve_hours_at_most(stage: Stage) -> None:
    ticket = stage.tickets.issue(ADA, EVERYTHING, WARRANT)
    stay = (await stage.tickets.redeem(ticket.text)).stay
    assert stay is not None
    stage.clock.advance(COOKIE_SECONDS)
    await stay.prolong()
    assert not await stage.is_admitted(ticket.text, ticket.cookie)


async def test_the_cookie_of_another_principal_does_not_help(stage: Stage) -> None:
    ticket, other = stage.tickets.issue(ADA, EVERYTHING, WARRANT), stage.tickets.issue(BOB, EVERYTHING, WARRANT)
    assert await stage.is_admitted(ticket.text)
    assert not await stage.is_admitted(ticket.text, other.cookie)


async def test_neither_serves_as_the_other_and_nothing_else_as_either(stage: Stage) -> None:
    ticket = stage.tickets.issue(ADA, EVERYTHING, WARRANT)
    for text in (ticket.cookie, ticket.text[:-1], ticket.text + "a", "", "a.b", "\x00", "é", "x" * 100_000):
        assert not await stage.is_admitted(text)
    assert await stage.tickets.recall(ticket.text) is None


async def test_keys_are_changed_without_an_end_of_what_the_old_one_signed(stage: Stage) -> None:
    ticket: Ticket = stage.tickets.issue(ADA, EVERYTHING, WARRANT)
    new = ("n" * 32, *KEYS)
    assert (await stage.with_keys(new).redeem(ticket.text)).principal == ADA
    with pytest.raises(Unauthenticated):
        await stage.with_keys(new[:1]).redeem(stage.tickets.issue(ADA, EVERYTHING, WARRANT).text)
    with pytest.raises(Unauthenticated):
        await stage.tickets.redeem(stage.with_keys(new).issue(ADA, EVERYTHING, WARRANT).text)


async def test_tickets_are_not_listed_among_the_leases(stage: Stage) -> None:
    await stage.tickets.redeem(stage.tickets.issue(ADA, EVERYTHING, WARRANT).text)
    assert await stage.portal.call(stage.store.holders) == []


def test_a_filter_that_no_cookie_holds_is_refused(stage: Stage) -> None:
    types = tuple(secrets.token_hex(60) for _ in range(50))
    with pytest.raises(InvalidRequest, match="too long for a ticket"):
        stage.tickets.issue(ADA, Filter(tenant="acme", types=types), WARRANT)


async def test_when_the_credentials_are_gone_ticket_and_cookie_admit_no_more(stage: Stage) -> None:
    used, unused = stage.tickets.issue(ADA, EVERYTHING, WARRANT), stage.tickets.issue(ADA, EVERYTHING, WARRANT)
    admission = await stage.tickets.redeem(used.text)
    assert await admission.still_holds()
    stage.gone.add("token")
    assert not await admission.still_holds()
    assert not await stage.is_admitted(unused.text)
    assert not await stage.is_admitted(used.text, used.cookie)
    with pytest.raises(Unauthenticated, match="not good any more"):
        await stage.tickets.recall(used.cookie)


async def test_an_open_stream_goes_on_while_nobody_can_tell(stage: Stage) -> None:
    async def away() -> bool:
        raise BackendUnavailable("the disk is full")

    admission = await stage.tickets.redeem(stage.tickets.issue(ADA, EVERYTHING, WARRANT).text)
    assert await dataclasses.replace(admission, holds=away).still_holds()
