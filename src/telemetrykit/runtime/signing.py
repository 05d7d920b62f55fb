"""Small JSON objects as signed text that fits a URL or a cookie. Signed, not sealed: no secret belongs in them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

#: Characters of text that is looked at.
_LONGEST = 8192


class Signer:
    """Signs for one purpose: what was signed for another one is not accepted.

    ``keys`` are newest first; the newest signs, all of them verify, so that a key can be changed without an end of
    every session. They are read at first use.
    """

    def __init__(self, keys: Sequence[str], purpose: str) -> None:
        self._keys = keys
        self._purpose = purpose

    def sign(self, value: Mapping[str, Any]) -> str:
        """The signed text of a JSON object."""
        text = self._serializer().dumps(dict(value))
        return text if isinstance(text, str) else text.decode()

    def read(self, text: str) -> dict[str, Any] | None:
        """The object that was signed; None for text that is not ours."""
        if len(text) > _LONGEST:
            return None
        try:
            value = self._serializer().loads(text)
        except BadData:
            return None
        return value if isinstance(value, dict) else None

    def veil(self, digest: str, nonce: str) -> str:
        """A SHA-256 in hex made unreadable to others, and back again; for one ``nonce`` one digest only."""
        pad = hmac.digest(f"{self._purpose}.{self._keys[0]}".encode(), nonce.encode(), "sha256")
        return bytes(a ^ b for a, b in zip(bytes.fromhex(digest), pad, strict=True)).hex()

    def _serializer(self) -> URLSafeSerializer:
        # itsdangerous wants the newest key last.
        return URLSafeSerializer(
            list(reversed(self._keys)),
            salt=f"telemetrykit.{self._purpose}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
