"""Leases of the memory store over time."""

from __future__ import annotations

from telemetrykit.plugins.stores.memory_leases import MemoryLeases

SECOND = 1_000_000


def test_a_prolonged_lease_outlives_its_first_end() -> None:
    leases = MemoryLeases()
    fence = leases.acquire("leader", "a", 0, 5)
    assert leases.acquire("leader", "a", 4 * SECOND, 5) == fence
    assert leases.acquire("leader", "b", 6 * SECOND, 5) is None
    later = leases.acquire("leader", "b", 9 * SECOND, 5)
    assert fence is not None
    assert later is not None
    assert later > fence


def test_a_lease_taken_anew_does_not_end_with_the_one_before() -> None:
    leases = MemoryLeases()
    leases.acquire("leader", "a", 0, 5)
    leases.release("leader", "a")
    fence = leases.acquire("leader", "b", 1 * SECOND, 60)
    assert leases.acquire("other", "a", 6 * SECOND, 5) is not None
    assert leases.acquire("leader", "b", 6 * SECOND, 60) == fence


def test_each_of_many_nonces_can_be_used_again_once_it_has_expired() -> None:
    leases = MemoryLeases()
    names = [f"nonce:{number}" for number in range(100)]
    assert all(leases.acquire(name, "a", number, 1) for number, name in enumerate(names))
    assert not any(leases.acquire(name, "b", SECOND - 1, 1) for name in names)
    assert all(leases.acquire(name, "b", 2 * SECOND, 1) for name in names)


def test_a_lease_from_before_the_clock_went_back_ends_as_long_after_it_as_it_was_made_for() -> None:
    leases = MemoryLeases()
    fence = leases.acquire("leader", "a", 3_600 * SECOND, 5)
    assert leases.acquire("leader", "b", 0, 60) is None
    assert leases.acquire("leader", "b", 4 * SECOND, 60) is None
    later = leases.acquire("leader", "b", 5 * SECOND, 60)
    assert fence is not None
    assert later is not None
    assert later > fence


def test_who_still_lives_when_the_clock_goes_back_keeps_his_lease() -> None:
    leases = MemoryLeases()
    fence = leases.acquire("leader", "a", 3_600 * SECOND, 5)
    assert leases.acquire("leader", "b", 0, 60) is None
    assert leases.acquire("leader", "a", 4 * SECOND, 5) == fence
    assert leases.acquire("leader", "b", 8 * SECOND, 60) is None
    assert leases.acquire("leader", "b", 9 * SECOND, 60) is not None
