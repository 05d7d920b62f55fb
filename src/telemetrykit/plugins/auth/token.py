"""Static bearer tokens, known by their SHA-256 only: those of the settings, and those that the CLI has stored."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...contracts.context import Context
from ...contracts.web import Connection
from ...errors import BackendUnavailable, ConfigurationError
from ...hookspecs import hookimpl
from ...model.event import parse_rfc3339
from ...model.principal import Principal
from ...model.problems import unknown
from ...settings import Settings

#: How often, at most, the last use of a stored token is noted, in microseconds.
TOUCH_EVERY = 60_000_000

_KEYS = ("sha256", "roles", "tenant", "permissions", "expires_at")


@dataclass(frozen=True, slots=True)
class _Known:
    sha256: str
    principal: Principal
    expires_at: int | None


class TokenAuthenticator:
    """Recognises ``Authorization: Bearer <token>``."""

    name = "token"

    def __init__(self, tokens: Mapping[str, Any], tenant: str) -> None:
        self._known = [_read(name, entry, tenant) for name, entry in tokens.items()]
        self._context: Context | None = None
        self._touched: dict[str, int] = {}

    async def open(self, context: Context) -> None:
        """From now on stored tokens are known too."""
        self._context = context

    async def authenticate(self, connection: Connection) -> Principal | None:
        """Who a token stands for; None for an unknown one, which may be somebody else's kind of token."""
        token = connection.bearer
        return await self.recall(hashlib.sha256(token.encode()).hexdigest()) if token else None

    async def recall(self, sha256: str) -> Principal | None:
        for known in self._known:
            if hmac.compare_digest(known.sha256, sha256):
                return None if self._is_over(known.expires_at) else known.principal
        return await self._stored(sha256)

    async def dormant(self, connection: Connection) -> bool:
        if self._known or self._context is None:
            return not self._known
        try:
            return not await self._context.keys.list_tokens()
        except BackendUnavailable:
            return False

    async def _stored(self, sha256: str) -> Principal | None:
        if self._context is None:
            raise BackendUnavailable("The kit is starting.")
        token = await self._context.keys.find_token(sha256)
        if token is None or not hmac.compare_digest(token.sha256, sha256) or self._is_over(token.expires_at):
            return None
        await self._touch(self._context, token.name, token.last_used)
        return token.principal

    def _is_over(self, expires_at: int | None) -> bool:
        # Before `open` there is no clock, and nothing can be asked: a token that may have expired has expired.
        return expires_at is not None and (self._context is None or expires_at <= self._context.clock.now())

    async def _touch(self, context: Context, name: str, last_used: int | None) -> None:
        now = context.clock.now()
        if now - max(last_used or 0, self._touched.get(name, 0)) < TOUCH_EVERY:
            return
        self._touched[name] = now
        try:
            await context.keys.touch_token(name, now)
        except BackendUnavailable:
            return  # Nobody is kept out because the store cannot be written.


def _read(name: str, entry: Any, tenant: str) -> _Known:
    if not isinstance(entry, Mapping):
        raise _wrong(name, 'it is no object: write {"sha256": "<64 hex digits>", "roles": ["viewer"]}')
    for key in entry:
        if key not in _KEYS:
            raise _wrong(name, unknown(str(key), _KEYS))
    digest = entry.get("sha256")
    if not isinstance(digest, str) or not re.fullmatch("[0-9a-fA-F]{64}", digest):
        raise _wrong(
            name, "sha256 is not the SHA-256 of a token: 64 hex digits, made by `sha256sum` or `telemetrykit token`"
        )
    return _Known(digest.lower(), _principal(name, entry, tenant), _expiry(name, entry.get("expires_at")))


def _principal(name: str, entry: Mapping[str, Any], tenant: str) -> Principal:
    if not entry.get("roles") and not entry.get("permissions"):
        raise _wrong(name, "it may do nothing: give it roles, or permissions")
    owner = entry.get("tenant", tenant)
    if not isinstance(owner, str) or not owner:
        raise _wrong(name, "tenant is not text")
    try:
        return Principal.with_roles(
            id=name,
            tenant=owner,
            roles=_words(name, "roles", entry),
            permissions=_words(name, "permissions", entry),
        )
    except ValueError as error:
        raise _wrong(name, str(error)) from None


def _words(name: str, key: str, entry: Mapping[str, Any]) -> Sequence[str]:
    words = entry.get(key, ())
    if isinstance(words, str):
        words = [word.strip() for word in words.split(",") if word.strip()]
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
        raise _wrong(name, f"{key} is no list of words")
    return words


def _expiry(name: str, value: Any) -> int | None:
    try:
        return None if value is None else parse_rfc3339(str(value))
    except ValueError as error:
        raise _wrong(name, f"expires_at: {error}") from None


def _wrong(name: str, what: str) -> ConfigurationError:
    return ConfigurationError(f"Setting 'tokens', token {name!r}: {what}.")


@hookimpl
def register_authenticators(settings: Settings) -> Iterable[TokenAuthenticator]:
    return [TokenAuthenticator(settings.tokens, settings.tenant)]
