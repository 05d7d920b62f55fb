"""Static tokens."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from telemetrykit.contracts.context import Context
from telemetrykit.contracts.storage import StoredToken
from telemetrykit.contracts.web import Connection, Dormant, Recall
from telemetrykit.errors import BackendUnavailable, ConfigurationError
from telemetrykit.model.principal import Principal
from telemetrykit.plugins.artifacts.memory import MemoryArtifacts
from telemetrykit.plugins.auth.token import TokenAuthenticator
from telemetrykit.plugins.buses.memory import MemoryBus
from telemetrykit.plugins.queues.memory import MemoryQueue
from telemetrykit.plugins.stores.memory import MemoryStore
from telemetrykit.settings import Settings
from telemetrykit.testing.clock import FakeClock


def sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def connection(authorization: str | None = None) -> Connection:
    headers = {} if authorization is None else {"authorization": authorization}
    return Connection(
        scheme="http", method="GET", path="/", headers=headers, cookies={}, query={}, client=None, state={}
    )


class Stage:
    """An opened authenticator with a store and a clock."""

    def __init__(self, **tokens: Any) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        self.authenticator = TokenAuthenticator(tokens, "default")

    async def open(self) -> Stage:
        await self.authenticator.open(
            Context(
                settings=Settings(),
                clock=self.clock,
                log=self.store,
                keys=self.store,
                leases=self.store,
                bus=MemoryBus(),
                queue=MemoryQueue(self.clock),
                artifacts=MemoryArtifacts(),
                emit=lambda *_, **__: None,
            )
        )
        return self

    async def store_token(self, token: str, *, expires_at: int | None = None) -> Principal:
        principal = Principal.with_roles(id="stored", tenant="acme", roles=["viewer"])
        await self.store.save_token(
            StoredToken(name="ci", sha256=sha256(token), principal=principal, created_at=0, expires_at=expires_at)
        )
        return principal

    async def ask(self, authorization: str) -> Principal | None:
        return await self.authenticator.authenticate(connection(authorization))

    async def last_used(self) -> int | None:
        return (await self.store.list_tokens())[0].last_used


async def test_a_configured_token_stands_for_its_roles_permissions_and_tenant() -> None:
    entry = {"sha256": sha256("abc").upper(), "roles": "viewer", "permissions": ["traces:read"], "tenant": "acme"}
    stage = Stage(ci=entry)
    found = await stage.ask("bearer abc ")
    assert found is not None
    assert (found.id, found.tenant, found.roles) == ("ci", "acme", {"viewer"})
    assert found.can("traces:read")
    assert found.can("events:read")
    assert not found.can("events:write")


@pytest.mark.parametrize("header", ["Bearer abd", "Bearer", "Bearer  ", "Basic abc", "abc", ""])
async def test_other_credentials_are_somebody_elses(header: str) -> None:
    assert await (await Stage(ci={"sha256": sha256("abc"), "roles": ["viewer"]}).open()).ask(header) is None


async def test_a_configured_token_expires() -> None:
    stage = await Stage(ci={"sha256": sha256("abc"), "roles": ["viewer"], "expires_at": "2026-01-01T00:01:00Z"}).open()
    assert await stage.ask("Bearer abc") is not None
    stage.clock.advance(60)
    assert await stage.ask("Bearer abc") is None


async def test_a_stored_token_is_known_from_the_moment_it_is_stored_until_it_expires_or_is_deleted() -> None:
    stage = await Stage().open()
    assert await stage.ask("Bearer abc") is None
    principal = await stage.store_token("abc", expires_at=stage.clock.now() + 60_000_000)
    assert await stage.ask("Bearer abc") == principal
    stage.clock.advance(60)
    assert await stage.ask("Bearer abc") is None
    await stage.store_token("abc")
    assert await stage.ask("Bearer abc") == principal
    await stage.store.delete_token("ci")
    assert await stage.ask("Bearer abc") is None


async def test_the_last_use_is_noted_at_most_once_a_minute() -> None:
    stage = await Stage().open()
    await stage.store_token("abc")
    first = stage.clock.now()
    await stage.ask("Bearer abc")
    stage.clock.advance(59)
    await stage.ask("Bearer abc")
    assert await stage.last_used() == first
    stage.clock.advance(1)
    await stage.ask("Bearer abc")
    assert await stage.last_used() == first + 60_000_000


async def test_a_store_that_cannot_be_written_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> None:
        raise BackendUnavailable

    stage = await Stage().open()
    principal = await stage.store_token("abc")
    monkeypatch.setattr(stage.store, "touch_token", fail)
    assert await stage.ask("Bearer abc") == principal


async def test_configured_tokens_need_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> None:
        raise BackendUnavailable

    stage = await Stage(ci={"sha256": sha256("abc"), "roles": ["viewer"]}).open()
    monkeypatch.setattr(stage.store, "find_token", fail)
    assert await stage.ask("Bearer abc") is not None
    with pytest.raises(BackendUnavailable):
        await stage.ask("Bearer other")


async def test_it_is_dormant_until_there_is_a_token() -> None:
    stage = await Stage().open()
    assert await stage.authenticator.dormant(connection())
    await stage.store_token("abc")
    assert not await stage.authenticator.dormant(connection())
    configured = Stage(ci={"sha256": sha256("abc"), "roles": ["viewer"]}).authenticator
    assert not await configured.dormant(connection())
    assert isinstance(configured, Dormant)
    assert isinstance(configured, Recall)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("abc", "no object"),
        ({"roles": ["viewer"]}, "sha256"),
        ({"sha256": "abc", "roles": ["viewer"]}, "64 hex digits"),
        ({"sha256": "0" * 64, "role": ["viewer"]}, "did you mean 'roles'"),
        ({"sha256": "0" * 64, "roles": ["boss"]}, "unknown role 'boss'"),
        ({"sha256": "0" * 64, "roles": [1]}, "no list of words"),
        ({"sha256": "0" * 64}, "roles"),
        ({"sha256": "0" * 64, "roles": ["viewer"], "tenant": ""}, "tenant"),
        ({"sha256": "0" * 64, "roles": ["viewer"], "expires_at": "soon"}, "expires_at"),
    ],
)
def test_a_token_that_is_not_well_configured_is_named_with_its_cure(entry: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match="token 'ci'") as caught:
        TokenAuthenticator({"ci": entry}, "default")
    assert words in str(caught.value)
