"""Leases: rows of which the newest number is the fence."""

from __future__ import annotations

from collections.abc import Sequence

from ...contracts.storage import Lease
from .sqlite_session import Session

# A lease that was made before the clock went back.
_SHORTEN = "UPDATE leases SET expires_at = ?1 + length WHERE fence = ?2 AND expires_at > ?1 + length"


def acquire(session: Session, name: str, holder: str, now: int, length: int) -> int | None:
    """See ``Leases.acquire``; times in microseconds."""
    with session.writing() as connection:
        connection.execute("DELETE FROM leases WHERE expires_at <= ?", (now,))
        row = connection.execute("SELECT fence, holder FROM leases WHERE name = ?", (name,)).fetchone()
        if row is None:
            return connection.execute(
                "INSERT INTO leases (name, holder, expires_at, length) VALUES (?, ?, ?, ?)",
                (name, holder, now + length, length),
            ).lastrowid
        fence, current = row
        if current != holder:
            connection.execute(_SHORTEN, (now, fence))
            return None
        connection.execute(
            "UPDATE leases SET expires_at = ?, length = ? WHERE fence = ?", (now + length, length, fence)
        )
        return int(fence)


def release(session: Session, name: str, holder: str) -> None:
    """See ``Leases.release``."""
    with session.writing() as connection:
        connection.execute("DELETE FROM leases WHERE name = ? AND holder = ?", (name, holder))


def holder(session: Session, name: str, now: int) -> Lease | None:
    """See ``Leases.holder``."""
    with session.reading() as connection:
        row = connection.execute(
            "SELECT name, holder, expires_at, fence FROM leases WHERE name = ? AND expires_at > ?", (name, now)
        ).fetchone()
    return Lease(*row) if row else None


def holders(session: Session, now: int) -> Sequence[Lease]:
    """See ``Leases.holders``."""
    with session.reading() as connection:
        rows = connection.execute(
            "SELECT name, holder, expires_at, fence FROM leases WHERE expires_at > ? AND name NOT GLOB 'nonce:*'"
            " ORDER BY name",
            (now,),
        ).fetchall()
    return [Lease(*row) for row in rows]
