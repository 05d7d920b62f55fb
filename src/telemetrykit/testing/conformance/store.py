"""What every store must do.

Subclass :class:`StoreConformance` and give it one fixture, ``store``: an opened, empty store, closed afterwards. A
backend that several processes share also subclasses :class:`SharedStoreConformance`, with the fixture ``stores``: two
opened stores on the same empty backend.
"""

from __future__ import annotations

from dataclasses import replace

import anyio

from ...contracts.storage import KeyTable, Leases, Store, StoredToken
from ...model.filter import Filter
from ...model.health import HealthStatus
from ...model.principal import Principal
from .base import Conformance
from .store_filters import FilterConformance
from .store_log import EVERYTHING, LogConformance, cursors, new_batch, new_event, scanned, stored
from .store_rows import RowsConformance


def new_token(name: str, **fields: object) -> StoredToken:
    """A token whose digest is made of its name."""
    principal = Principal.with_roles(id=name, tenant="acme", roles=["viewer"], permissions=["traces:read"])
    return replace(StoredToken(name=name, sha256=name * 8, principal=principal, created_at=5), **fields)  # type: ignore[arg-type]


class KeyConformance(Conformance):
    """Tokens and workers."""

    async def test_a_token_is_found_by_its_digest_with_everything_it_had(self, store: KeyTable) -> None:
        token = new_token("ci", expires_at=9, last_used=7)
        await store.save_token(token)
        await store.save_token(new_token("other"))
        assert await store.find_token(token.sha256) == token
        assert await store.find_token("unknown") is None

    async def test_saving_a_token_of_the_same_name_replaces_it(self, store: KeyTable) -> None:
        old, new = new_token("ci"), new_token("ci", sha256="new")
        await store.save_token(old)
        await store.save_token(new)
        assert await store.find_token(old.sha256) is None
        assert list(await store.list_tokens()) == [new]

    async def test_tokens_are_listed_by_name(self, store: KeyTable) -> None:
        for name in ("b", "c", "a"):
            await store.save_token(new_token(name))
        assert [token.name for token in await store.list_tokens()] == ["a", "b", "c"]

    async def test_a_deleted_token_is_gone(self, store: KeyTable) -> None:
        token = new_token("ci")
        await store.save_token(token)
        assert await store.delete_token("ci") is True
        assert await store.delete_token("ci") is False
        assert await store.find_token(token.sha256) is None

    async def test_the_last_use_of_a_token_is_noted(self, store: KeyTable) -> None:
        token = new_token("ci")
        await store.save_token(token)
        await store.touch_token("ci", 123)
        await store.touch_token("unknown", 123)
        assert list(await store.list_tokens()) == [replace(token, last_used=123)]

    async def test_workers_are_those_seen_after_a_time(self, store: KeyTable) -> None:
        now = 2**52
        await store.save_worker("b", {"pid": 1, "host": "é"}, seen_at=now)
        await store.save_worker("a", {"pid": 2}, seen_at=now + 1)
        await store.save_worker("b", {"pid": 3}, seen_at=now + 2)
        workers = [(name, dict(details), seen) for name, details, seen in await store.list_workers(seen_after=now)]
        assert workers == [("a", {"pid": 2}, now + 1), ("b", {"pid": 3}, now + 2)]
        assert [name for name, _, _ in await store.list_workers(seen_after=now + 1)] == ["b"]


class LeaseConformance(Conformance):
    """Leases and nonces."""

    async def test_one_holder_at_a_time(self, store: Leases) -> None:
        fence = await store.acquire("leader", "a", 60)
        assert fence is not None
        assert await store.acquire("leader", "b", 60) is None
        assert await store.acquire("other", "b", 60) is not None
        assert await store.acquire("leader", "a", 60) == fence

    async def test_prolonging_moves_the_end(self, store: Leases) -> None:
        await store.acquire("leader", "a", 60)
        first = await store.holder("leader")
        await store.acquire("leader", "a", 3600)
        second = await store.holder("leader")
        assert first is not None
        assert second is not None
        assert second.expires_at > first.expires_at

    async def test_the_fence_grows_with_each_change_of_holder(self, store: Leases) -> None:
        fences = []
        for holder in "abab":
            fences.append(await store.acquire("leader", holder, 60) or 0)
            await store.release("leader", holder)
        assert fences == sorted(set(fences))

    async def test_a_lease_can_be_taken_once_it_has_expired(self, store: Leases) -> None:
        fence = await store.acquire("leader", "a", 0.05)
        with anyio.fail_after(60):
            while (later := await store.acquire("leader", "b", 60)) is None:  # noqa: ASYNC110 - the store knows when
                await anyio.sleep(0.01)
        assert fence is not None
        assert later > fence
        assert await store.acquire("leader", "a", 60) is None

    async def test_a_lease_of_somebody_else_is_not_released(self, store: Leases) -> None:
        await store.acquire("leader", "a", 60)
        await store.release("leader", "b")
        await store.release("unknown", "b")
        assert await store.acquire("leader", "b", 60) is None

    async def test_holders_are_listed_by_name_without_nonces(self, store: Leases) -> None:
        for name in ("b", "nonce:1", "a"):
            await store.acquire(name, "me", 60)
        assert [(lease.name, lease.holder) for lease in await store.holders()] == [("a", "me"), ("b", "me")]
        nonce = await store.holder("nonce:1")
        assert nonce is not None
        assert nonce.holder == "me"

    async def test_what_has_expired_or_was_released_has_no_holder(self, store: Leases) -> None:
        await store.acquire("released", "a", 60)
        await store.release("released", "a")
        await store.acquire("expired", "a", 0)
        assert await store.holder("released") is None
        assert await store.holder("expired") is None
        assert await store.holder("never") is None
        assert list(await store.holders()) == []

    async def test_the_first_caller_wins_a_nonce(self, store: Leases) -> None:
        wins: list[int | None] = []

        async def take(caller: int) -> None:
            wins.append(await store.acquire("nonce:ticket", f"caller-{caller}", 60))

        async with anyio.create_task_group() as group:
            for caller in range(10):
                group.start_soon(take, caller)
        assert sum(win is not None for win in wins) == 1


class LifeConformance(Conformance):
    """Opening, closing, health."""

    async def test_an_opened_store_is_healthy_and_tells_numbers(self, store: Store) -> None:
        health = await store.ping()
        assert health.status is HealthStatus.HEALTHY
        assert all(isinstance(number, float) for number in health.gauges.values())

    async def test_it_may_be_closed_twice_and_keeps_what_it_has(self, store: Store) -> None:
        answer = await stored(store, new_event())
        await store.close()
        await store.close()
        await store.open()
        assert await scanned(store) == list(answer)

    async def test_opening_an_open_store_changes_nothing(self, store: Store) -> None:
        await stored(store, new_event())
        await store.open()
        assert len(await scanned(store)) == 1

    async def test_it_may_be_opened_again(self, store: Store) -> None:
        answer = await stored(store, new_event())
        await store.close()
        await store.open()
        assert await scanned(store) == list(answer)

    async def test_ping_never_raises(self, store: Store) -> None:
        await store.close()
        assert isinstance((await store.ping()).status, HealthStatus)


class StoreConformance(
    LogConformance, FilterConformance, RowsConformance, KeyConformance, LeaseConformance, LifeConformance
):
    """The whole contract of a store."""


class SharedStoreConformance(Conformance):
    """Two stores on one backend, as two processes have them."""

    async def test_each_sees_what_the_other_has_stored(self, stores: tuple[Store, Store]) -> None:
        one, two = stores
        await scanned(two)
        answer = [
            *await stored(one, new_event(type="new.type", tenant="new")),
            *await stored(two, new_event(source="new")),
        ]
        assert await scanned(one) == await scanned(two) == answer
        assert list(await one.page(Filter(tenant="new", types=("new.*",)), limit=5)) == answer[:1]
        assert await one.bounds() == await two.bounds()

    async def test_cursors_are_given_once(self, stores: tuple[Store, Store]) -> None:
        given: list[int | None] = []

        async def write(store: Store) -> None:
            for _ in range(20):
                given.extend(cursors(await stored(store, *(new_event() for _ in range(10)))))

        async with anyio.create_task_group() as group:
            for store in stores:
                group.start_soon(write, store)
        assert len(set(given)) == 400
        assert cursors(await scanned(stores[0])) == sorted(given, key=lambda cursor: cursor or 0)

    async def test_a_cursor_is_visible_only_when_every_smaller_one_is(self, stores: tuple[Store, Store]) -> None:
        done = anyio.Event()

        async def write(store: Store) -> None:
            for _ in range(30):
                await stored(store, *(new_event() for _ in range(5)))

        async def read() -> list[int | None]:
            seen: list[int | None] = []
            while not (done.is_set() and len(seen) == 300):
                seen += cursors(await scanned(stores[1], after=seen[-1] or 0 if seen else 0))
            return seen

        async with anyio.create_task_group() as outer:

            async def write_all() -> None:
                async with anyio.create_task_group() as group:
                    for store in stores:
                        group.start_soon(write, store)
                done.set()

            outer.start_soon(write_all)
            with anyio.fail_after(60):
                seen = await read()
        assert seen == cursors(await scanned(stores[0], EVERYTHING))

    async def test_a_batch_is_stored_once(self, stores: tuple[Store, Store]) -> None:
        batch, events = new_batch(), [new_event(), new_event()]
        first = await stores[0].append(batch, events)
        assert list(await stores[1].append(batch, events)) == list(first)

    async def test_a_foreign_event_is_stored_once(self, stores: tuple[Store, Store]) -> None:
        event = new_event(foreign=True)
        assert len(await stored(stores[0], event)) == 1
        assert len(await stored(stores[1], event)) == 0

    async def test_a_lease_has_one_holder(self, stores: tuple[Store, Store]) -> None:
        assert await stores[0].acquire("leader", "a", 60) is not None
        assert await stores[1].acquire("leader", "b", 60) is None

    async def test_a_token_is_known_to_both(self, stores: tuple[Store, Store]) -> None:
        token = new_token("ci")
        await stores[0].save_token(token)
        assert await stores[1].find_token(token.sha256) == token
