"""Takes secrets out of ``data`` by the names that they go under."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum, auto
from typing import Any
from urllib.parse import unquote_plus

from ...contracts.events import Processor
from ...hookspecs import hookimpl
from ...model.event import Event
from ...runtime.payload import PayloadEncoder
from ...settings import Settings

REDACTED = "[redacted]"

_SCALARS = frozenset((str, int, float, bool, type(None)))
_CACHE_SIZE = 4096
_LONGEST_CACHED = 128
#: Last parts of names whose values are URLs or their query strings, parameters included.
_URL_NAMES = ("url", "uri", "query", "full", "target", "href", "referer", "referrer", "location", "querystring")
# Anchored where a name may begin, so that the time grows with the length of the text only.
_NAME = r"(?:^|(?<=[?&;#\s]))([^=?&;#\s]++)="
_NAMES = re.compile(_NAME)
_PARAMETER = re.compile(_NAME + r"([^&;#\s]*)")
_USERINFO = re.compile(r"//[^/?#\s]*@")


class _Kind(Enum):
    """What a name says of its value."""

    PLAIN = auto()
    URL = auto()
    SECRET = auto()


class Redactor:
    """Replaces the values of secret names by ``[redacted]``: in objects and arrays of any depth, in arrays of
    ``[name, value]`` pairs, and in the parameters of URLs and query strings, whose user and password go too.

    Names are compared without regard to case, ``-`` and ``_``: as a whole, and by what follows their last dot, so
    ``authorization`` covers ``http.request.header.authorization`` and ``api_key`` covers ``apiKey``.
    """

    name = "redact"
    required = True

    def __init__(self, names: Iterable[str]) -> None:
        self._secret = frozenset(_normal(name) for name in names)
        self._kinds: dict[str, _Kind] = {}
        #: Names known to be harmless: one look into it clears a whole event.
        self._plain: set[str] = set()
        #: The same of names of parameters, as they stand in URLs.
        self._harmless: set[str] = set()
        self._encode = PayloadEncoder()

    def __call__(self, events: list[Event], /) -> list[Event]:
        return [self._redacted(event) for event in events]

    def _redacted(self, event: Event) -> Event:
        if event.encoded is None:
            # Another processor changed the data: first make it JSON, so that no secret hides in what is none.
            payload = self._encode(event.data)
            event = event.evolve(data=payload.data, encoded=payload.encoded)
        data = self._clean_object(event.data)
        return event if data is event.data else event.evolve(data=data)

    def _clean_object(self, value: Any) -> Any:
        keys = value
        if _SCALARS.issuperset(map(type, value.values())):
            # Nearly always one is left, or none.
            plain = self._plain
            keys = [key for key in value if key not in plain]
        changed = {}
        for key in keys:
            part = value[key]
            clean = self._clean(part, self._kind(key))
            if clean is not part:
                changed[key] = clean
        return {**value, **changed} if changed else value

    def _clean(self, value: Any, kind: _Kind) -> Any:
        """The value without its secrets; the very same object if there are none."""
        if kind is _Kind.SECRET:
            return value if value == REDACTED else REDACTED
        if isinstance(value, str):
            return self._clean_url(value) if kind is _Kind.URL else value
        if isinstance(value, dict):
            return self._clean_object(value)
        if isinstance(value, list):
            clean = [self._clean_item(part, kind) for part in value]
            return clean if any(new is not old for new, old in zip(clean, value, strict=True)) else value
        return value

    def _clean_item(self, item: Any, kind: _Kind) -> Any:
        if isinstance(item, list) and len(item) == 2 and isinstance(item[0], str) and self._is_secret(item[0]):
            return item if item[1] == REDACTED else [item[0], REDACTED]
        return self._clean(item, kind)

    def _clean_url(self, text: str) -> str:
        clean = _USERINFO.sub(f"//{REDACTED}@", text) if "@" in text else text
        if "=" in clean and not self._harmless.issuperset(_NAMES.findall(clean)):
            clean = _PARAMETER.sub(self._clean_parameter, clean)
        return text if clean == text else clean

    def _clean_parameter(self, match: re.Match[str]) -> str:
        name = unquote_plus(match[1]).rstrip("]").replace("[", ".").replace("]", "")
        if self._is_secret(name):
            return f"{match[1]}={REDACTED}"
        if len(match[1]) <= _LONGEST_CACHED:
            if len(self._harmless) >= _CACHE_SIZE:
                self._harmless.clear()
            self._harmless.add(match[1])
        return match[0]

    def _kind(self, key: str) -> _Kind:
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._find_kind(key)
            if len(key) <= _LONGEST_CACHED:
                self._remember(key, kind)
        return kind

    def _find_kind(self, key: str) -> _Kind:
        if self._is_secret(key):
            return _Kind.SECRET
        return _Kind.URL if _normal(key.rpartition(".")[2]).endswith(_URL_NAMES) else _Kind.PLAIN

    def _is_secret(self, name: str) -> bool:
        return _normal(name) in self._secret or _normal(name.rpartition(".")[2]) in self._secret

    def _remember(self, key: str, kind: _Kind) -> None:
        if len(self._kinds) >= _CACHE_SIZE:
            self._kinds.clear()
            self._plain.clear()
        self._kinds[key] = kind
        if kind is _Kind.PLAIN:
            self._plain.add(key)


def _normal(name: str) -> str:
    return name.casefold().replace("-", "").replace("_", "").strip()


@hookimpl
def register_processors(settings: Settings) -> Iterable[Processor]:
    return [Redactor(settings.redact)] if settings.redact else []
