import socket
from contextlib import ExitStack

import pytest

from housing_price.errors import StackError
from housing_price.processes.ports import Address, is_free, require_free, reserved_port


def test_a_server_can_listen_on_a_reserved_port_which_refuses_connections_until_then() -> None:
    with reserved_port("127.0.0.1") as port, socket.socket() as server:
        assert is_free("127.0.0.1", port)
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            pass
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        with socket.create_connection(("127.0.0.1", port)):
            pass


def test_a_reserved_port_is_not_assigned_again() -> None:
    with ExitStack() as stack:
        reserved = {stack.enter_context(reserved_port("127.0.0.1")) for _ in range(200)}
        assert len(reserved) == 200
        for _ in range(200):
            other = stack.enter_context(socket.socket())
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", 0))
            assert other.getsockname()[1] not in reserved


def test_a_port_with_a_listener_is_not_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert not is_free("127.0.0.1", taken.getsockname()[1])


def test_two_services_on_one_port_are_an_error_that_names_both_options() -> None:
    with reserved_port("127.0.0.1") as port:
        first = Address("127.0.0.1", port, "orchestrator", "--port")
        second = Address("127.0.0.1", port, "tracking-server", "--tracking-port")
        with pytest.raises(StackError, match=rf"port {port} .*\(--port\).*\(--tracking-port\)"):
            require_free([first, second])


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),  # noqa: S104 - nothing is bound
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
    ],
)
def test_the_url_of_an_address_is_usable_on_this_machine(host: str, url: str) -> None:
    assert Address(host, 80, "x", "--x").url == url
