"""Which addresses of the network are anybody's, and which are only ours."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """True for a global unicast address of the IANA special-purpose registries.

    Private, loopback, link-local, multicast and reserved addresses are not, nor are IPv6 addresses that stand for such
    an IPv4 address (mapped, NAT64) or lead through one (6to4, Teredo).
    """
    parsed = ip_address(address)
    if isinstance(parsed, IPv4Address):
        return _is_global(parsed)
    if (meant := _translated(parsed)) is not None:
        return _is_global(meant)
    # Not every Python 3.11 calls 6to4 as a whole global.
    if parsed.sixtofour is not None:
        return _is_global(parsed.sixtofour)
    return _is_global(parsed) and not parsed.is_site_local and all(map(_is_global, parsed.teredo or ()))


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _translated(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that is called in the end, where an IPv6 address only stands for one."""
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else address.ipv4_mapped
