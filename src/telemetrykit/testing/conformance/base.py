"""What the suites share."""

from __future__ import annotations

import pytest


class Conformance:
    """Coroutines as tests, on asyncio: that is the kit's own loop."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"
