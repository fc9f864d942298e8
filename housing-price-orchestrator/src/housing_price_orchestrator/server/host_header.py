"""The check of the `Host` header that every HTTP/1.1 request must have (RFC 9112, section 3.2)."""

import re
from collections.abc import Iterable
from typing import Final

_NAME: Final = rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+"
_ADDRESS: Final = rb"\[[0-9A-Fa-f:.]+\]"
_HOST: Final = re.compile(rb"(?:" + _NAME + rb"|" + _ADDRESS + rb")(?::[0-9]{0,5})?")
"""A non-empty host with an optional port (RFC 3986, section 3.2.2)."""


def host_problem(headers: Iterable[tuple[bytes, bytes]], http_version: str) -> str | None:
    """Return what is wrong with the `Host` of a request, or None."""
    hosts = [value for name, value in headers if name == b"host"]
    if not hosts:
        # HTTP/1.0 had no such header.
        return None if http_version == "1.0" else "the request has no Host header"
    if len(hosts) > 1:
        return f"the request has {len(hosts)} Host headers"
    return None if _HOST.fullmatch(hosts[0]) else "the Host header is not a host"
