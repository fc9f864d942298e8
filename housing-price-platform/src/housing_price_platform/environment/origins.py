"""Origins of web pages, as in the `Origin` header of a browser."""

import ipaddress
import re
from typing import Final

ANY_ORIGIN: Final = "*"
"""Stands for all origins."""

_ORIGIN: Final = re.compile(r"(?P<scheme>https?)://(?P<host>[a-z0-9_.-]+|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?")
_DEFAULT_PORT: Final = {"http": 80, "https": 443}
_MAX_PORT: Final = 65535
_EXPECTED: Final = (
    "use an origin such as https://www.example.com or http://localhost:5173, with the scheme and without a path; "
    "or * for all origins"
)


def normal_origin(value: str) -> str:
    """Return an origin as browsers write it: in lower case, without the default port; `*` stays.

    Raises:
        ValueError: The value is not an origin, such as an address with a path.
    """
    if value == ANY_ORIGIN:
        return value
    parts = _ORIGIN.fullmatch(value.lower())
    if parts is None:
        raise ValueError(_EXPECTED)
    scheme, host, port = parts["scheme"], parts["host"], int(parts["port"] or _DEFAULT_PORT[parts["scheme"]])
    if not 0 < port <= _MAX_PORT:
        raise ValueError(_EXPECTED)
    if host.startswith("["):
        try:
            host = f"[{ipaddress.IPv6Address(host[1:-1])}]"
        except ValueError as error:
            raise ValueError(_EXPECTED) from error
    return f"{scheme}://{host}" if port == _DEFAULT_PORT[scheme] else f"{scheme}://{host}:{port}"
