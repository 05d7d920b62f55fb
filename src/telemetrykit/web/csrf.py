"""Requests that another site makes a browser send (CSRF), told by what browsers say of themselves.

``Sec-Fetch-Site`` (https://www.w3.org/TR/fetch-metadata/) where it is sent, else ``Origin`` (RFC 6454).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from urllib.parse import urlsplit

from ..errors import Forbidden

#: Methods that change nothing (RFC 9110, section 9.2.1).
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class Site(Enum):
    """Where a request comes from."""

    OWN = auto()
    OTHER = auto()
    #: Nothing is said: no browser.
    UNKNOWN = auto()


def site_of(headers: Mapping[str, str], scheme: str) -> Site:
    """Who made the browser send this. ``headers`` have lower-case names."""
    fetch_site = headers.get("sec-fetch-site")
    if fetch_site is not None:
        return Site.OWN if fetch_site in ("same-origin", "none") else Site.OTHER
    origin = headers.get("origin")
    if origin is None:
        return Site.UNKNOWN
    return Site.OWN if _is_same_host(origin, headers.get("host", ""), scheme) else Site.OTHER


def check(headers: Mapping[str, str], scheme: str, *, by_session: bool) -> None:
    """Raise Forbidden for a call that another site may have caused.

    A bearer token is proof enough, since no other site can make a browser send one. A session takes proof that the
    call is the own page's.
    """
    if headers.get("authorization", "").lower().startswith("bearer "):
        return
    site = site_of(headers, scheme)
    if site is Site.OTHER:
        raise Forbidden("Another site asked for this: only pages of this host may, or calls with a bearer token.")
    if site is Site.UNKNOWN and by_session:
        raise Forbidden("A session is for browsers: elsewhere send the header Authorization: Bearer <token>.")


def _is_same_host(origin: str, host: str, scheme: str) -> bool:
    # Not the schemes: behind a proxy that ends TLS ours is http while the page's is https.
    try:
        theirs, ours = urlsplit(origin), urlsplit(f"//{host}")
        their_port = theirs.port or _PORTS.get(theirs.scheme)
        our_ports = {ours.port} if ours.port else {_PORTS.get(scheme), _PORTS.get(theirs.scheme)}
    except ValueError:
        return False
    return theirs.hostname is not None and theirs.hostname == ours.hostname and their_port in our_ports
