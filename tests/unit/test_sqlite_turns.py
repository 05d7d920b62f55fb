"""Those who write to one database file in one process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.waiting import PATIENCE

from telemetrykit.plugins.stores.sqlite_database import Database
from telemetrykit.plugins.stores.sqlite_session import Session
from telemetrykit.plugins.stores.sqlite_turns import Turns


@pytest.fixture
async def databases(tmp_path: Path) -> AsyncIterator[tuple[Database, Database]]:
    """Two parts with a connection each to one file, who wait for no lock of the file."""
    first, second = (Database(tmp_path / "telemetry.db", busy_timeout=0.0) for _ in range(2))
    await first.open()
    await second.open()
    yield first, second
    await second.close()
    await first.close()


async def test_a_part_waits_for_its_turn_instead_of_failing_while_another_one_writes(
    databases: tuple[Database, Database],
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def write_long(session: Session) -> None:
        with session.writing():
            begun.set()
            assert go_on.wait(PATIENCE)

    def write(session: Session) -> bool:
        with session.writing():
            return go_on.is_set()

    long = asyncio.create_task(databases[0].write(write_long))
    assert await asyncio.to_thread(begun.wait, PATIENCE)
    other = asyncio.create_task(databases[1].write(write))
    await databases[1].read(lambda _: None)
    go_on.set()
    assert await other
    await long


def test_a_file_has_one_turn_whatever_it_is_called(tmp_path: Path) -> None:
    turns = Turns()
    (tmp_path / "link").symlink_to(tmp_path)
    turn = turns.of(tmp_path / "telemetry.db")
    assert turns.of(tmp_path / "link" / "telemetry.db") is turn
    assert turns.of(tmp_path / "other.db") is not turn
