"""A finished file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file that is kept for download."""

    #: Where it is in the artifact store.
    key: str
    media_type: str
    #: Bytes.
    size: int
    #: Lower-case hex.
    sha256: str
    #: When it was made, microseconds since the Unix epoch.
    created_at: int
