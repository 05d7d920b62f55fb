"""The gate's own rules; how it meets requests is in tests/integration."""

from __future__ import annotations

from typing import Any, cast

import pytest

from telemetrykit.contracts.events import EventType
from telemetrykit.contracts.web import HOST_TENANT, Policy
from telemetrykit.errors import Forbidden
from telemetrykit.events.types import EventTypes
from telemetrykit.model.event import Event
from telemetrykit.model.filter import ALL_TENANTS, Filter
from telemetrykit.model.principal import Principal
from telemetrykit.plugins.auth.roles import RolePolicy
from telemetrykit.runtime.guard import Guard
from telemetrykit.web.authentication import Authentication
from telemetrykit.web.gate import Gate

TYPES = EventTypes([EventType(type="trace.created", permission="traces:read"), EventType(type="order.paid")])
VIEWER = Principal.with_roles(id="ada", tenant="acme", roles=["viewer"])
TRACER = Principal.with_roles(id="tom", tenant="acme", roles=["viewer"], permissions=["traces:read"])
ADMIN = Principal.with_roles(id="root", tenant="acme", roles=["admin"])
WRITER = Principal(id="ci", tenant="acme", permissions=frozenset({"events:write"}))


def gate(policy: Policy | None = None) -> Gate:
    return Gate(cast("Authentication", None), policy or RolePolicy(), guard(), TYPES)


def guard(told: list[str] | None = None) -> Guard:
    told = [] if told is None else told
    return Guard("policy", on_failure=lambda part, error: told.append(part), opened_by=TimeoutError)


def event(type: str, tenant: str = "acme") -> Event:
    return Event(type=type, source="s", id="1", time=0, data={}, tenant=tenant)


def test_reading_is_limited_to_the_tenant_and_the_types_that_one_may_read() -> None:
    readable = gate().reading(VIEWER, "acme")
    assert readable.matches(event("order.paid"))
    assert readable.matches(event("never.declared"))
    assert not readable.matches(event("trace.created"))
    assert not readable.matches(event("order.paid", "other"))
    assert gate().reading(TRACER, "acme").matches(event("trace.created"))
    assert gate().reading(ADMIN, ALL_TENANTS).matches(event("trace.created", "other"))


@pytest.mark.parametrize(("who", "tenant"), [(WRITER, "acme"), (VIEWER, "other"), (VIEWER, ALL_TENANTS)])
def test_who_may_read_nothing_is_told_what_is_missing(who: Principal, tenant: Any) -> None:
    with pytest.raises(Forbidden, match="events:read"):
        gate().reading(who, tenant)


def test_a_filter_is_narrowed_and_never_widened() -> None:
    asked = Filter(tenant="acme", types=("trace.*",))
    assert not gate().readable(VIEWER, asked).matches(event("trace.created"))
    assert not gate().readable(TRACER, asked).matches(event("order.paid"))


def test_a_tenant_may_be_named_if_it_is_ones_own() -> None:
    assert gate().tenant(VIEWER, None) == gate().tenant(VIEWER, "acme") == "acme"
    assert gate().tenant(ADMIN, "other") == "other"
    assert gate().tenant(ADMIN, "*") is ALL_TENANTS
    assert gate().tenant(ADMIN, HOST_TENANT) == HOST_TENANT


@pytest.mark.parametrize(
    ("asked", "words"), [("other", "tenants:all"), ("*", "tenants:all and system:read"), (HOST_TENANT, "system:read")]
)
def test_another_tenant_takes_a_permission_that_is_named(asked: str, words: str) -> None:
    with pytest.raises(Forbidden, match=words):
        gate().tenant(VIEWER, asked)


def test_single_types_are_told_apart() -> None:
    assert gate().may_read(TRACER, "trace.created", "acme")
    assert not gate().may_read(VIEWER, "trace.created", "acme")
    assert not gate().may_read(VIEWER, "order.paid", "other")


class Sloppy:
    """Answers with what it has."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def allows(self, principal: Principal, permission: str, tenant: str) -> bool:
        if isinstance(self._answer, Exception):
            raise self._answer
        return cast("bool", self._answer)


@pytest.mark.parametrize("answer", [1, "yes", None, RuntimeError("broken")])
def test_a_policy_that_does_not_say_true_allows_nothing(answer: Any) -> None:
    assert not gate(Sloppy(answer)).allows(ADMIN, "events:read")


def test_a_policy_that_raises_is_told_of_once_and_asked_again_each_time(caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []
    watched = guard(told)
    strict = Gate(cast("Authentication", None), Sloppy(KeyError("events:read")), watched, TYPES)
    assert [strict.allows(ADMIN, "events:read") for _ in range(20)] == [False] * 20
    assert (told, watched.calls, len(caplog.records)) == (["policy"], 20, 1)


def test_a_policy_that_takes_too_long_is_left_alone_for_a_while_and_nothing_is_allowed() -> None:
    watched = guard()
    strict = Gate(cast("Authentication", None), Sloppy(TimeoutError()), watched, TYPES)
    assert [strict.allows(ADMIN, "events:read") for _ in range(20)] == [False] * 20
    assert watched.calls == 5
