import socket

import pytest

from housing_price.errors import StackError
from housing_price.stack.ports import Address, find_free_port, is_free, require_free


def test_a_free_port_is_free() -> None:
    assert is_free("127.0.0.1", find_free_port("127.0.0.1"))


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert not is_free("127.0.0.1", taken.getsockname()[1])


def test_one_port_for_two_services_is_refused_and_both_options_are_named() -> None:
    port = find_free_port("127.0.0.1")
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
def test_an_address_tells_a_client_on_this_machine_where_to_go(host: str, url: str) -> None:
    assert Address(host, 80, "x", "--x").url == url
