"""Hosts in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.server import Server


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers that end with the test; the options are those of ``Server``."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Server(tmp_path, **options))


@pytest.fixture
def server(start: Callable[..., Server]) -> Server:
    """A host with the kit in it, anonymous admin."""
    return start()
