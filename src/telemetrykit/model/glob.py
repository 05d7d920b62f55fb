"""Globs over dotted names: ``*`` stands for any run of characters, dots included; nothing else is special."""

from __future__ import annotations

from collections.abc import Callable, Iterable

TextTest = Callable[[str], bool]


def glob_test(pattern: str) -> TextTest:
    """A test whether a text matches a glob; its time grows with the length of the text, whatever the pattern."""
    head, *rest = pattern.split("*")
    if not rest:
        return pattern.__eq__
    *middle, tail = rest
    inner = tuple(part for part in middle if part)
    if not inner and not tail:
        return lambda text: text.startswith(head)
    return _parts_test(head, inner, tail)


def _parts_test(head: str, inner: tuple[str, ...], tail: str) -> TextTest:
    shortest = len(head) + len(tail)

    def matches(text: str) -> bool:
        if len(text) < shortest or not text.startswith(head) or not text.endswith(tail):
            return False
        at, end = len(head), len(text) - len(tail)
        for part in inner:
            # The leftmost place leaves the most room for the parts that follow, so there is nothing to try again.
            found = text.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    return matches


def any_glob_test(patterns: Iterable[str]) -> TextTest:
    """A test whether a text matches at least one of several globs; exact names cost one look into a set."""
    names = frozenset(patterns)
    exact = frozenset(name for name in names if "*" not in name)
    open_ended = frozenset(name for name in names - exact if name.index("*") == len(name) - 1)
    prefixes = tuple(name[:-1] for name in open_ended)
    others = tuple(glob_test(name) for name in names - exact - open_ended)
    if not prefixes and not others:
        return exact.__contains__

    def matches(text: str) -> bool:
        if text in exact or text.startswith(prefixes):
            return True
        for matches_one in others:  # noqa: SIM110 - a generator for any() would double the cost
            if matches_one(text):
                return True
        return False

    return matches
