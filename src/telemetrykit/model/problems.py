"""Problems: everything that is wrong with one input, gathered so that all of it can be said at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ..errors import FieldError, InvalidRequest

_MOST = 100


class Problems:
    """Collects at most 100 field errors, then raises them together."""

    def __init__(self) -> None:
        self._errors: list[FieldError] = []

    @property
    def full(self) -> bool:
        """True when more problems would no longer be kept, so that nobody need look for them."""
        return len(self._errors) >= _MOST

    def add(self, detail: str, pointer: str) -> None:
        if not self.full:
            self._errors.append(FieldError(detail, pointer))

    def add_all(self, errors: Iterable[FieldError], pointer: str) -> None:
        """Add errors whose pointers start at a part of the input, which is at ``pointer``."""
        for error in errors:
            self.add(error.detail, pointer + error.pointer.removeprefix("#"))

    def add_unknown(self, keys: Iterable[object], known: Iterable[str], pointer: str) -> None:
        """Add an error for each key that is none of the known ones, with the nearest of those."""
        known = tuple(known)
        for key in keys:
            if self.full:
                return
            if key not in known:
                self.add(unknown(str(key), known), f"{pointer}/{pointer_token(str(key))}")

    def raise_any(self) -> None:
        """Raise InvalidRequest (422) with every problem, if there is one."""
        if self._errors:
            raise invalid(self._errors)


def invalid(errors: Iterable[FieldError]) -> InvalidRequest:
    """The error that says the first problem in its message and carries all of them."""
    first, *others = errors
    return InvalidRequest(
        first.detail + (f" (and {len(others)} more)" if others else ""), errors=(first, *others), status=422
    )


def unknown(name: str, known: Iterable[str], what: str = "key") -> str:
    """What to say about a name that is none of the known ones."""
    known = tuple(known)
    near = difflib.get_close_matches(name[:40], known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    return f"unknown {what} {name[:40]!r}: {hint}"


def pointer_token(key: str) -> str:
    """One step of a JSON pointer (RFC 6901)."""
    return key[:100].replace("~", "~0").replace("/", "~1")
