"""Finding the process that uses a port, and the processes of killed runners."""

import os
import socket
import subprocess
import sys

import pytest

from housing_price.errors import StackError
from housing_price.processes.earlier_stack import describe_listener
from housing_price.processes.ports import Address, require_free

LISTEN = (
    "import socket, sys; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen();"
    "print(s.getsockname()[1], flush=True); sys.stdin.read()"
)


def test_the_process_that_listens_on_a_port_is_named() -> None:
    command = [sys.executable, "-c", LISTEN, "a-word-of-the-command"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        described = describe_listener(port)
        address = Address("127.0.0.1", port, "orchestrator", "--port")
        with pytest.raises(StackError) as raised:
            require_free([address], lambda taken: describe_listener(taken.port))
        other.communicate()
    assert described is not None
    assert described.startswith(f"process {other.pid} ({sys.executable} -c import socket")
    assert str(raised.value).startswith(f"port {port} is in use by {described}, and the orchestrator needs it: stop it")


def test_this_process_is_named_too_and_a_free_port_has_no_listener() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert describe_listener(port) is None
        taken.listen()
        described = describe_listener(port)
    assert described is not None
    assert described.startswith(f"process {os.getpid()} (")
    assert describe_listener(port) is None
