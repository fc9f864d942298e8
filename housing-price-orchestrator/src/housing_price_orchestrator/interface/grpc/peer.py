"""The address of a caller, for rate limits."""

from collections.abc import Iterable, Sequence
from typing import Final, cast
from urllib.parse import unquote

from uvicorn._types import ASGI3Application
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

_FORWARDED_FOR: Final = b"x-forwarded-for"


class PeerAddresses:
    """Reads the addresses of callers: those that trusted proxies forward, else those of the connections."""

    def __init__(self, trusted_proxies: Sequence[str] = ()) -> None:
        """Trust `x-forwarded-for` of these addresses and networks only."""
        # uvicorn has the rules for HTTP in this middleware, of which no more is used here.
        unused = cast("ASGI3Application", None)
        self._trusted = ProxyHeadersMiddleware(unused, trusted_hosts=list(trusted_proxies)).trusted_hosts

    def address_of(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """Return the address of a caller; empty for a Unix socket.

        Args:
            peer: The peer as gRPC writes it: `ipv4:127.0.0.1:4711` or `ipv6:%5B::1%5D:4711`.
            headers: The metadata of the call.
        """
        kind, _, place = unquote(peer).partition(":")
        address = place.rpartition(":")[0].strip("[]") if kind in {"ipv4", "ipv6"} else ""
        if address in self._trusted:
            forwarded = b", ".join(value for name, value in headers if name == _FORWARDED_FOR)
            if forwarded:
                return self._trusted.get_trusted_client_address(forwarded.decode("latin-1"))[0] or address
        return address
