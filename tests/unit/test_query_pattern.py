"""The published pattern of the query language, against the parser."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from telemetrykit.errors import InvalidRequest
from telemetrykit.model.query import parse_query
from telemetrykit.web.query_pattern import QUERY_PATTERN

PATTERN = re.compile(QUERY_PATTERN)
PIECES = [
    "severity",
    "duration",
    "type",
    "or",
    "OR",
    "a",
    "warn",
    "7",
    "1.5s",
    " ",
    "\u2003",
    "\x00",
    *'*"\\()-!=:><',
    '""',
    "!=",
]


def is_accepted(text: str) -> bool:
    try:
        parse_query(text)
    except InvalidRequest:
        return False
    return True


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(max_size=12))
@example("severity!=*")
@example("(a)or b")
@example("a!=*")
@example('a>=b -(c or d:"x y") or e')
def test_whatever_fits_the_pattern_is_accepted(text: str) -> None:
    if PATTERN.search(text):
        assert is_accepted(text)


@given(st.text(alphabet='ab-()":=<>!* orOR\\\t', max_size=12))
@example("()")
@example("a or")
@example("severity:loud")
def test_what_does_not_fit_is_refused_unless_parentheses_nest(text: str) -> None:
    if not PATTERN.search(text) and text.count("(") < 2:
        assert not is_accepted(text)
