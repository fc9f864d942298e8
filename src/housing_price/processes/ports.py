"""Addresses of the services, and checks that their ports are free."""

import errno
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from housing_price.errors import StackError


@dataclass(frozen=True)
class Address:
    """The address that a service listens on, with the command-line option that changes its port."""

    host: str
    port: int
    service: str
    option: str

    @property
    def url(self) -> str:
        """URL of the service for clients on this machine."""
        return f"http://{self.url_host}:{self.port}"

    @property
    def url_host(self) -> str:
        """Host of the URL."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"[{host}]" if ":" in host else host


def _bound(host: str, port: int) -> socket.socket | None:
    """Bind a socket that does not listen; None if the port is in use. The caller closes it."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    # Servers set the same option. Connections of an earlier server in TIME_WAIT do not block the port, and a server
    # can listen on a port that is bound here, because this socket does not listen.
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
    """Return whether a server could listen on the port now.

    Raises:
        StackError: The host is not an address of this machine.
    """
    bound = _bound(host, port)
    if bound is not None:
        bound.close()
    return bound is not None


@contextmanager
def reserved_port(host: str) -> Iterator[int]:
    """Reserve a free port: the system assigns it to no other process, and a server of this stack can listen on it.

    Raises:
        StackError: The host is not an address of this machine, or has no free port.
    """
    bound = _bound(host, 0)
    if bound is None:
        raise StackError(f"no free port on {host}")
    with bound:
        yield bound.getsockname()[1]


def require_free(
    addresses: Sequence[Address], describe_listener: Callable[[Address], str | None] = lambda _: None
) -> None:
    """Check that all ports are distinct and free.

    Args:
        addresses: The addresses to listen on.
        describe_listener: Returns a description of the process that uses a port, or None if it is unknown.

    Raises:
        StackError: Two services share a port, or a port is in use; the message names port, service and option.
    """
    taken: dict[int, Address] = {}
    for address in addresses:
        if other := taken.get(address.port):
            raise StackError(
                f"port {address.port} is assigned to both the {other.service} ({other.option}) and the "
                f"{address.service} ({address.option}): change one of the two options"
            )
        taken[address.port] = address
        if not is_free(address.host, address.port):
            listener = describe_listener(address)
            raise StackError(
                f"port {address.port} is in use{f' by {listener}' if listener else ''}, and the {address.service} "
                f"needs it: stop {'it' if listener else 'the process that listens on it'}, or choose another port with "
                f"{address.option}"
            )
