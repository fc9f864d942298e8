"""Which ports the stack wants, and whether it can have them."""

import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from housing_price.errors import StackError


@dataclass(frozen=True)
class Address:
    """Where a service is to listen, who it is, and which option moves it."""

    host: str
    port: int
    wanted_by: str
    option: str

    @property
    def url(self) -> str:
        """The address for a client on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def _bind(host: str, port: int) -> int | None:
    """Bind there for a moment; the port that was had, None if somebody else has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: connections of a predecessor that are still closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return None
            raise StackError(f"cannot listen on {host} (--host): {error.strerror or error}") from error
        had: int = probe.getsockname()[1]
        return had


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now.

    Raises:
        StackError: The host is not an address of this machine.
    """
    return _bind(host, port) is not None


def find_free_port(host: str) -> int:
    """A port that nobody listens on at the moment.

    Raises:
        StackError: The host is not an address of this machine, or has no port left.
    """
    port = _bind(host, 0)
    if port is None:
        raise StackError(f"no port is free on {host}")
    return port


def require_free(addresses: Sequence[Address]) -> None:
    """Check that each service can have its port.

    Raises:
        StackError: Two services want one port, or somebody has it; names port, service and option.
    """
    taken: dict[int, Address] = {}
    for address in addresses:
        if other := taken.get(address.port):
            raise StackError(
                f"port {address.port} is wanted by the {other.wanted_by} ({other.option}) and by the "
                f"{address.wanted_by} ({address.option}): give one of them another"
            )
        taken[address.port] = address
        if not is_free(address.host, address.port):
            raise StackError(
                f"port {address.port} is taken, and the {address.wanted_by} wants it: "
                f"end what listens there, or choose another port with {address.option}"
            )
