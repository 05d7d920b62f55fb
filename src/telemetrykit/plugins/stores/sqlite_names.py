"""Tenants, types and sources as small numbers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["tenant", "type", "source"]


class Names:
    """The names of one database file, as far as one connection has read them.

    Rows only ever come to the table, so what was read stays true, and a look at its end makes this complete.
    """

    def __init__(self) -> None:
        self._last = 0
        self._codes: Mapping[str, dict[str, int]] = {"tenant": {}, "type": {}, "source": {}}
        #: Every name by its code.
        self.by_code: dict[int, str] = {}

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Read what other connections have added."""
        for code, kind, name in connection.execute(
            "SELECT code, kind, name FROM names WHERE code > ? ORDER BY code", (self._last,)
        ).fetchall():
            self._codes[kind][name] = self._last = code
            self.by_code[code] = name

    def add(self, connection: sqlite3.Connection, kind: Kind, names: set[str]) -> Mapping[str, int]:
        """The codes of names, new ones given where there are none; in a transaction that writes."""
        known = self._codes[kind]
        if new := sorted(names - known.keys()):
            connection.executemany(
                "INSERT INTO names (kind, name) VALUES (?, ?) ON CONFLICT DO NOTHING", [(kind, name) for name in new]
            )
            self.refresh(connection)
        return known

    def code(self, kind: Kind, name: str) -> int | None:
        """None for a name that no event ever had."""
        return self._codes[kind].get(name)

    def codes(self, kind: Kind, test: Callable[[str], bool]) -> Sequence[int]:
        """The codes of the names that a test accepts."""
        return [code for name, code in self._codes[kind].items() if test(name)]
