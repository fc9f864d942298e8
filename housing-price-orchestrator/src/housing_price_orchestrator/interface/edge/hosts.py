"""The host names that this service answers to."""

import functools
import ipaddress
from collections.abc import Iterable
from typing import Final

MAX_HOST_BYTES: Final = 300
"""Longer hosts are never accepted: a DNS name has at most 253 characters, and a port 5."""

_WILDCARD: Final = "*."

type _Address = ipaddress.IPv4Address | ipaddress.IPv6Address
type _Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ServedHosts:
    """A set of hosts, given by names, wildcards (`*.example.org` for its subdomains), addresses and networks."""

    def __init__(self, patterns: Iterable[str], *, includes_loopback: bool = False) -> None:
        """Serve `patterns`, and `localhost` and all loopback addresses if `includes_loopback`."""
        names = [pattern.strip("[]").lower() for pattern in patterns] + ["localhost"] * includes_loopback
        self._networks = [network for name in names if (network := _network(name)) is not None]
        self._names = frozenset(name for name in names if _network(name) is None and not name.startswith(_WILDCARD))
        self._suffixes = tuple(name.removeprefix("*") for name in names if name.startswith(_WILDCARD))
        self._includes_loopback = includes_loopback
        # A few hosts make nearly all requests, and parsing an address takes longer than all other checks.
        self._is_served = functools.lru_cache(maxsize=256)(self._look_up)

    def __contains__(self, host: bytes) -> bool:
        """Return whether requests with this `Host` header are served; its port does not matter."""
        return len(host) <= MAX_HOST_BYTES and self._is_served(host)

    def _look_up(self, host: bytes) -> bool:
        name = _without_port(host.decode("latin-1").lower())
        if address := _address(name):
            return (self._includes_loopback and address.is_loopback) or any(
                address in network for network in self._networks
            )
        name = name.removesuffix(".")
        return name in self._names or name.endswith(self._suffixes)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and (port.isdecimal() or not port) else host


def _address(name: str) -> _Address | None:
    is_bracketed = name.startswith("[") and name.endswith("]")
    try:
        address = ipaddress.ip_address(name[1:-1] if is_bracketed else name)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return (address.ipv4_mapped or address) if is_bracketed else None
    return None if is_bracketed else address


def _network(name: str) -> _Network | None:
    try:
        return ipaddress.ip_network(name)
    except ValueError:
        return None
