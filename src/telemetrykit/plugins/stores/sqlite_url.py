"""The URL of a database file."""

from __future__ import annotations

from pathlib import Path

from ...errors import ConfigurationError


def database_path(url: str) -> Path | None:
    """The path in ``sqlite:PATH``; None for another scheme, ConfigurationError for a path that cannot be meant."""
    scheme, _, path = url.partition(":")
    if scheme != "sqlite":
        return None
    cure = "Write sqlite:telemetry.db (relative) or sqlite:/var/lib/app/telemetry.db (absolute)."
    if path == ":memory:":
        raise ConfigurationError("A store in memory is not a file. Write memory: instead of sqlite::memory:")
    if not path or path.startswith("//") or path.endswith("/"):
        raise ConfigurationError(f"The URL {url!r} does not name a file. {cure}")
    return Path(path)
