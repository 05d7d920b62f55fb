"""The keys that sign links, tickets and sessions."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import overload

from ..errors import BackendUnavailable, ConfigurationError
from ..model.health import Health

#: Shortest key that is accepted.
MIN_LENGTH = 32


class SecretKeys(Sequence[str]):
    """Keys from the settings, newest first; else one of our own, made at first use and kept in a file (0600).

    Reading them raises BackendUnavailable while that file can neither be read nor made.
    """

    def __init__(self, given: Sequence[str], file: Path | None) -> None:
        for key in given:
            if len(key) < MIN_LENGTH:
                raise ConfigurationError(
                    f"Setting 'secret_keys': a key is shorter than {MIN_LENGTH} characters. Make one with: "
                    'python -c "import secrets; print(secrets.token_urlsafe(32))"'
                )
        self._keys: Sequence[str] | None = tuple(given) or None
        self._file = file
        self._failed = False

    def health(self) -> Health:
        """Degraded from the first use that failed until the key can be had."""
        try:
            if self._failed:
                self._load()
        except BackendUnavailable as error:
            return Health.degraded(str(error))
        return Health()

    def _load(self) -> Sequence[str]:
        if self._keys is None:
            self._failed = True
            self._keys = (secrets.token_urlsafe(48) if self._file is None else _read_or_make(self._file),)
            self._failed = False
        return self._keys

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return self._load()[index]

    def __len__(self) -> int:
        return len(self._load())

    def __repr__(self) -> str:
        return "SecretKeys(<hidden>)"


def _read_or_make(path: Path) -> str:
    """The key in a file; several processes that start at once agree on one. BackendUnavailable says what to do."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        if not path.exists():
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(48))
            try:
                os.link(fresh, path)  # Fails if another process was first: then its key counts.
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        key = path.read_text("utf-8").strip()
    except OSError as error:
        raise BackendUnavailable(
            f"The signing key {path} can neither be read nor made ({error.strerror}). "
            "Make the folder writable, or set TELEMETRYKIT_SECRET_KEYS."
        ) from None
    except UnicodeDecodeError:
        key = ""
    if len(key) < MIN_LENGTH:
        raise BackendUnavailable(f"The signing key in {path} is damaged. Delete the file; sessions then end.")
    return key
