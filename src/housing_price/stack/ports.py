"""Which ports the stack wants, and whether it can have them."""

import errno
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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


def _bound(host: str, port: int) -> socket.socket | None:
    """Bind a socket that does not listen; None if the port is in use. The caller closes it."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    # Servers set the same option: closing connections of an earlier server do not block the port, and a server may
    # listen on a port that is bound here, because this socket does not listen.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            return None
        raise StackError(f"cannot listen on {host} (--host): {error.strerror or error}") from error
    return bound


def is_free(host: str, port: int) -> bool:
    """Tell whether a server could listen on the port now.

    Raises:
        StackError: The host is not an address of this machine.
    """
    bound = _bound(host, port)
    if bound is not None:
        bound.close()
    return bound is not None


@contextmanager
def reserved_port(host: str) -> Iterator[int]:
    """Reserve a free port: the system gives it to no other process, and a server of this stack can listen on it.

    Raises:
        StackError: The host is not an address of this machine, or has no free port.
    """
    bound = _bound(host, 0)
    if bound is None:
        raise StackError(f"no port is free on {host}")
    with bound:
        yield bound.getsockname()[1]


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
