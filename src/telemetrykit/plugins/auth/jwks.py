"""The public keys of an issuer of JWTs: a JWK Set (RFC 7517), fetched and kept."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import urllib3

from ...errors import BackendUnavailable
from ...runtime import codec
from ...runtime.forks import after_fork
from ...runtime.threads import WorkerThread

if TYPE_CHECKING:
    from jwt import PyJWK

logger = logging.getLogger("telemetrykit.auth.jwks")

#: Seconds after which keys are fetched again, so that a withdrawn one stops being good.
KEEP = 600.0
#: Seconds between two fetches because of a key id that is not known: anybody can make one up.
UNKNOWN_EVERY = 10.0
_TIMEOUT = urllib3.Timeout(connect=2.0, read=3.0)
_MAX_BODY = 256 * 1024


class KeySet:
    """Keys by their id. Lives on the kit's loop; fetches in a thread of its own."""

    def __init__(self, url: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._monotonic = monotonic
        self._keys: dict[str | None, PyJWK] = {}
        self._fetched_at: float | None = None
        self._thread = WorkerThread("telemetrykit.jwks")
        self._lock: asyncio.Lock | None = None
        after_fork(self._renew)

    async def find(self, kid: str | None) -> PyJWK | None:
        """The key with this id; without an id the only key there is. BackendUnavailable if no key was ever fetched."""
        self._lock = self._lock or asyncio.Lock()
        async with self._lock:
            if self._is_due(kid):
                await self._refresh()
        return self._known(kid)

    async def close(self) -> None:
        """End the thread; a later ``find`` starts it again."""
        await self._thread.stop()
        self._lock = None

    def _renew(self) -> None:
        """In a forked child: who held the lock does not exist here."""
        self._lock = None

    def _known(self, kid: str | None) -> PyJWK | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    def _is_due(self, kid: str | None) -> bool:
        if self._fetched_at is None:
            return True
        age = self._monotonic() - self._fetched_at
        return age >= KEEP or (self._known(kid) is None and age >= UNKNOWN_EVERY)

    async def _refresh(self) -> None:
        self._thread.start()
        try:
            self._keys = await self._thread.run(_fetch, self._url)
        except (urllib3.exceptions.HTTPError, ValueError, OSError) as error:
            if not self._keys:
                raise BackendUnavailable("The keys that sign JWTs (jwt_jwks_url) cannot be fetched.") from error
            logger.warning("keys kept, they cannot be fetched anew: %s", type(error).__name__, extra={"action": "jwks"})
        self._fetched_at = self._monotonic()


def _fetch(url: str) -> dict[str | None, PyJWK]:
    import jwt

    with urllib3.PoolManager(retries=False, timeout=_TIMEOUT) as pool:
        answer = pool.request("GET", url, redirect=False, preload_content=False, headers={"Accept": "application/json"})
        try:
            body = answer.read(_MAX_BODY + 1)
        finally:
            answer.close()
    if answer.status != 200 or len(body) > _MAX_BODY:
        raise ValueError(f"status {answer.status}, {len(body)} bytes: that is no JWK Set")
    found = codec.loads_foreign(body)
    try:
        return {key.key_id: key for key in jwt.PyJWKSet.from_dict(found if isinstance(found, dict) else {}).keys}
    except jwt.PyJWTError as error:
        raise ValueError(str(error)) from None
