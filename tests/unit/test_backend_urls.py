"""Which store, which bus and which queue a URL makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetrykit.errors import ConfigurationError
from telemetrykit.plugins.buses import memory as memory_bus
from telemetrykit.plugins.buses import sqlite as sqlite_bus
from telemetrykit.plugins.queues import memory as memory_queue
from telemetrykit.plugins.queues import sqlite as sqlite_queue
from telemetrykit.plugins.stores import memory as memory_store
from telemetrykit.plugins.stores import sqlite as sqlite_store
from telemetrykit.plugins.stores.sqlite_url import database_path
from telemetrykit.settings import Settings

SETTINGS = Settings()


def test_memory_makes_a_store_a_bus_and_a_queue_in_memory() -> None:
    assert isinstance(memory_store.make_store("memory:", SETTINGS), memory_store.MemoryStore)
    assert isinstance(memory_bus.make_bus("memory:", SETTINGS), memory_bus.MemoryBus)
    assert isinstance(memory_queue.make_queue("memory:", SETTINGS), memory_queue.MemoryQueue)


def test_sqlite_makes_a_store_a_bus_and_a_queue_without_touching_the_disk(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/telemetry.db"
    assert isinstance(sqlite_store.make_store(url, SETTINGS), sqlite_store.SqliteStore)
    assert isinstance(sqlite_bus.make_bus(url, SETTINGS), sqlite_bus.SqliteBus)
    assert isinstance(sqlite_queue.make_queue(url, SETTINGS), sqlite_queue.SqliteQueue)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["redis://localhost", "postgresql://localhost/x", "memory", "sqlite3:x", ""])
def test_other_schemes_are_left_to_other_plugins(url: str) -> None:
    for module in (memory_store, sqlite_store):
        assert module.make_store(url, SETTINGS) is None
    for module in (memory_bus, sqlite_bus):
        assert module.make_bus(url, SETTINGS) is None
    for module in (memory_queue, sqlite_queue):
        assert module.make_queue(url, SETTINGS) is None


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:telemetry.db", "telemetry.db"),
        ("sqlite:/var/lib/x.db", "/var/lib/x.db"),
        ("sqlite:a b:c.db", "a b:c.db"),
    ],
)
def test_the_path_is_what_stands_behind_the_colon(url: str, path: str) -> None:
    assert database_path(url) == Path(path)


@pytest.mark.parametrize("url", ["sqlite:", "sqlite:///telemetry.db", "sqlite:folder/", "sqlite:/"])
def test_a_url_that_names_no_file_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Write sqlite:telemetry\.db"):
        database_path(url)


def test_a_store_in_memory_has_a_scheme_of_its_own() -> None:
    with pytest.raises(ConfigurationError, match="Write memory:"):
        database_path("sqlite::memory:")
