"""The query language as one regular expression, for ``/openapi.json``: clients see what is well formed.

A regular expression cannot count, so the language has a little more: parentheses inside parentheses, and more terms.
Whatever fits the pattern is accepted. It is written for ECMA-262 and Python alike, which differ in what ``\\s`` is.
"""

from __future__ import annotations

_SPACE = r"\t\n\r\x0b\x0c\x1c-\x1f \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_END = rf"(?=[{_SPACE})]|$)"
_QUOTED = r'"(?:[^"\\\x00]|\\[^\x00])*"'
_NAME = rf"(?![\"\-])(?:(?!!=)[^{_SPACE}():=<>\x00])+"
_OPERATOR = r"(?:!=|[<>]=|[<>](?!=)|[:=])"
_VALUE = rf"(?!\")[^{_SPACE}()\x00]+"

_WORD = rf"(?![oO][rR]{_END}){_NAME}{_END}"
_PHRASE = rf'(?!""){_QUOTED}{_END}'
# These two take only some values.
_SPECIAL = r"(?!(?:severity|duration)[:=<>!])"
_COMPARISON = rf'(?:{_SPECIAL}{_NAME}|(?!""){_QUOTED})(?!!=\*{_END}){_OPERATOR}(?:{_QUOTED}|{_VALUE}){_END}'
_LEVELS = r"(?:trace|debug|info|warn|error|fatal|[1-9]|1[0-9]|2[0-4])"
_SEVERITY = rf"severity(?:{_OPERATOR}{_LEVELS}|[:=]\*){_END}"
_DURATION = rf"duration{_OPERATOR}[0-9]{{1,9}}(?:\.[0-9]{{1,6}})?(?:us|ms|s|m|h)?{_END}"
_TERM = rf"-*(?:{_WORD}|{_PHRASE}|{_COMPARISON}|{_SEVERITY}|{_DURATION})"


def _terms(term: str, least: int) -> str:
    """Terms, and ``or`` between some; a term itself sees to what may follow it."""
    either = rf"(?:[oO][rR][{_SPACE}]+(?!\)|$))?"
    return rf"[{_SPACE}]*(?:{term}[{_SPACE}]*{either}){{{least},40}}"


_GROUP = rf"-*\({_terms(_TERM, 1)}\)"
QUERY_PATTERN = rf"^{_terms(f'(?:{_TERM}|{_GROUP})', 0)}$"
