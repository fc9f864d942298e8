"""A port that several worker processes share: reserved before they start, so that port 0 means the same to all."""

import socket


def reserve_port(host: str, port: int, *, is_shared: bool) -> socket.socket:
    """Bind a port, so that it stays free for this service until the socket is closed. The socket does not listen.

    Args:
        host: the address to listen on.
        port: 0 for any free port.
        is_shared: whether several processes will listen on the port (`SO_REUSEPORT`).

    Raises:
        OSError: the port is in use, or the host is not an address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # First without `SO_REUSEPORT`, with which the kernel would accept a port on which another service listens.
    with _bound(family, host, port) as trial:
        port = trial.getsockname()[1]
    return _bound(family, host, port, is_shared=is_shared)


def _bound(family: socket.AddressFamily, host: str, port: int, *, is_shared: bool = False) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if is_shared:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
