"""The check of the `Host` header that every HTTP/1.1 request must have (RFC 9112, section 3.2)."""

import functools
import re
from collections.abc import Callable, Iterable
from typing import Final

MAX_HOST_BYTES: Final = 300
"""A DNS name has at most 253 characters, and a port 5."""

_NAME: Final = rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+"
_ADDRESS: Final = rb"\[[0-9A-Fa-f:.]+\]"
_HOST: Final = re.compile(rb"(?:" + _NAME + rb"|" + _ADDRESS + rb")(?::[0-9]{0,5})?")
"""A non-empty host with an optional port (RFC 3986, section 3.2.2)."""


def host_problem(headers: Iterable[tuple[bytes, bytes]], http_version: Callable[[], str]) -> str | None:
    """Return what is wrong with the `Host` of a request, or None."""
    hosts = [value for name, value in headers if name == b"host"]
    if not hosts:
        # HTTP/1.0 had no such header.
        return None if http_version() == "1.0" else "the request has no Host header"
    if len(hosts) > 1:
        return f"the request has {len(hosts)} Host headers"
    return None if len(hosts[0]) <= MAX_HOST_BYTES and _is_host(hosts[0]) else "the Host header is not a host"


# A few hosts make nearly all requests.
@functools.lru_cache(maxsize=256)
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None
