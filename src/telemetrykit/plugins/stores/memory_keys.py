"""Tokens and workers in dictionaries."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from ...contracts.storage import StoredToken
from ...runtime.codec import pack, unpack


class MemoryKeys:
    """``KeyTable`` of the memory store."""

    def __init__(self) -> None:
        self._tokens: dict[str, StoredToken] = {}
        self._workers: dict[str, tuple[bytes, int]] = {}

    def save_token(self, token: StoredToken) -> None:
        self._tokens[token.name] = token

    def find_token(self, sha256: str) -> StoredToken | None:
        return next((token for token in self.list_tokens() if token.sha256 == sha256), None)

    def list_tokens(self) -> Sequence[StoredToken]:
        return [self._tokens[name] for name in sorted(self._tokens)]

    def delete_token(self, name: str) -> bool:
        return self._tokens.pop(name, None) is not None

    def touch_token(self, name: str, used_at: int) -> None:
        if name in self._tokens:
            self._tokens[name] = dataclasses.replace(self._tokens[name], last_used=used_at)

    def save_worker(self, name: str, details: Mapping[str, str | int], seen_at: int) -> None:
        self._workers[name] = (pack(dict(details)), seen_at)

    def list_workers(self, seen_after: int) -> Sequence[tuple[str, Mapping[str, str | int], int]]:
        return [
            (name, unpack(details), seen_at)
            for name, (details, seen_at) in sorted(self._workers.items())
            if seen_at > seen_after
        ]
