"""How the width of a page is shared among the columns of a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetrykit.plugins.formats.widths import shared_widths


@given(st.lists(st.floats(1, 2000), min_size=1, max_size=40), st.floats(100, 2000))
def test_columns_fill_what_is_available(wanted: list[float], available: float) -> None:
    assert sum(shared_widths(wanted, available)) == pytest.approx(available, abs=0.5)


def test_columns_that_are_content_with_an_equal_share_get_what_they_want() -> None:
    assert shared_widths([50, 100, 900], 600)[:2] == [50, 100]


def test_of_those_that_want_more_the_column_of_long_texts_gets_more() -> None:
    assert shared_widths([100, 400, 1600], 700) == [100, 200, 400]
