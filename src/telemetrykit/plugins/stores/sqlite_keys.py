"""Tokens and workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...contracts.storage import StoredToken
from ...model.principal import Principal
from ...runtime.codec import dumps, loads
from .sqlite_session import Session

_TOKEN = "name, sha256, principal, created_at, expires_at, last_used"  # noqa: S105


def save_token(session: Session, token: StoredToken) -> None:
    """See ``KeyTable.save_token``."""
    with session.writing() as connection:
        connection.execute("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?, ?, ?)", _token_row(token))


def find_token(session: Session, sha256: str) -> StoredToken | None:
    """See ``KeyTable.find_token``."""
    with session.reading() as connection:
        row = connection.execute(
            f"SELECT {_TOKEN} FROM tokens WHERE sha256 = ? ORDER BY name",  # noqa: S608
            (sha256,),
        ).fetchone()
    return _read_token(row) if row else None


def list_tokens(session: Session) -> Sequence[StoredToken]:
    """See ``KeyTable.list_tokens``."""
    with session.reading() as connection:
        rows = connection.execute(f"SELECT {_TOKEN} FROM tokens ORDER BY name").fetchall()  # noqa: S608
    return [_read_token(row) for row in rows]


def delete_token(session: Session, name: str) -> bool:
    """See ``KeyTable.delete_token``."""
    with session.writing() as connection:
        return connection.execute("DELETE FROM tokens WHERE name = ?", (name,)).rowcount > 0


def touch_token(session: Session, name: str, used_at: int) -> None:
    """See ``KeyTable.touch_token``."""
    with session.writing() as connection:
        connection.execute("UPDATE tokens SET last_used = ? WHERE name = ?", (used_at, name))


def save_worker(session: Session, name: str, details: Mapping[str, str | int], seen_at: int) -> None:
    """See ``KeyTable.save_worker``."""
    with session.writing() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO workers VALUES (?, ?, ?)", (name, dumps(dict(details)).decode(), seen_at)
        )


def list_workers(session: Session, seen_after: int) -> Sequence[tuple[str, Mapping[str, str | int], int]]:
    """See ``KeyTable.list_workers``."""
    with session.reading() as connection:
        rows = connection.execute(
            "SELECT name, details, seen_at FROM workers WHERE seen_at > ? ORDER BY name", (seen_after,)
        ).fetchall()
    return [(name, loads(details), seen_at) for name, details, seen_at in rows]


def _token_row(token: StoredToken) -> tuple[object, ...]:
    who = token.principal
    principal = {
        "id": who.id,
        "tenant": who.tenant,
        "roles": sorted(who.roles),
        "permissions": sorted(who.permissions),
    }
    return token.name, token.sha256, dumps(principal).decode(), token.created_at, token.expires_at, token.last_used


def _read_token(row: Sequence[Any]) -> StoredToken:
    name, sha256, principal, created_at, expires_at, last_used = row
    who = loads(principal)
    return StoredToken(
        name=name,
        sha256=sha256,
        principal=Principal(
            id=who["id"],
            tenant=who["tenant"],
            roles=frozenset(who["roles"]),
            permissions=frozenset(who["permissions"]),
        ),
        created_at=created_at,
        expires_at=expires_at,
        last_used=last_used,
    )
