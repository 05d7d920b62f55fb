"""What a URL in the setting ``sinks`` says: ``webhook:https://host/path?secret=whsec_...&q=severity>=error``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from ..errors import ConfigurationError, InvalidRequest
from ..model.filter import ALL_TENANTS, Filter
from ..model.query import parse_query
from ..settings import Settings

#: What every sink understands: the text form of a filter, and whose events (``*``, the default: everybody's).
COMMON_OPTIONS = ("q", "tenant")


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkURL:
    """One entry of ``sinks``. Only its name is shown: all else can hold secrets."""

    name: str
    #: What stands between the scheme and the query.
    location: str = field(repr=False)
    #: The parameters that the sink knows, decoded.
    options: Mapping[str, Sequence[str]] = field(repr=False)
    #: The other parameters, as they were written.
    others: str = field(repr=False)
    filter: Filter | None = field(repr=False)

    def option(self, name: str) -> str | None:
        """The last value of a parameter."""
        return self.options[name][-1] if name in self.options else None

    def wrong(self, detail: str) -> ConfigurationError:
        """An error that names the sink; ``detail`` says what to do and shows no secret."""
        return ConfigurationError(f"Sink {self.name!r}: {detail}")

    def refuse_others(self, *known: str) -> None:
        """ConfigurationError if there is a parameter that nobody takes."""
        if self.others:
            unknown = self.others.partition("=")[0]
            raise self.wrong(f"there is no parameter {unknown!r}: use {', '.join((*known, *COMMON_OPTIONS))}.")


def sink_urls(settings: Settings, scheme: str, *options: str) -> list[SinkURL]:
    """The entries of ``settings.sinks`` with a scheme; ``options`` are the parameters of the sink's own.

    Raises ConfigurationError that names the sink.
    """
    return [
        _parse(name, url.partition(":")[2], {*options, *COMMON_OPTIONS})
        for name, url in _entries(settings.sinks)
        if url.partition(":")[0].lower() == scheme
    ]


def _entries(sinks: Mapping[str, Any]) -> list[tuple[str, str]]:
    for name, url in sinks.items():
        if not isinstance(url, str) or ":" not in url:
            raise ConfigurationError(f"Sink {name!r}: write a URL such as log: or file:events.jsonl.")
    return list(sinks.items())


def _parse(name: str, rest: str, known: set[str]) -> SinkURL:
    location, _, query = rest.partition("?")
    options: dict[str, list[str]] = defaultdict(list)
    others = []
    for piece in filter(None, query.split("&")):
        key, _, value = piece.partition("=")
        if unquote_plus(key) in known:
            options[unquote_plus(key)].append(unquote_plus(value))
        else:
            others.append(piece)
    return SinkURL(
        name=name, location=location, options=dict(options), others="&".join(others), filter=_filter(name, options)
    )


def _filter(name: str, options: Mapping[str, Sequence[str]]) -> Filter | None:
    query, tenant = options.get("q", [""])[-1], options.get("tenant", ["*"])[-1]
    if not tenant:
        raise ConfigurationError(f"Sink {name!r}: parameter 'tenant' names a tenant, or is * for all.")
    try:
        where = parse_query(query)
        if where is None and tenant == "*":
            return None
        return Filter(tenant=ALL_TENANTS if tenant == "*" else tenant, where=where)
    except InvalidRequest as error:
        raise ConfigurationError(f"Sink {name!r}: {'; '.join(e.detail for e in error.errors)}.") from None
