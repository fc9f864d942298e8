"""A real nginx with a configuration of the test."""

import contextlib
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.nginx import nginx_command

from servers import Process

needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx was not found (Debian: nginx)")


@contextlib.contextmanager
def running_nginx(folder: Path, http: str) -> Iterator[None]:
    """Run nginx with `http` in its `http` block until the context ends."""
    with Process(*nginx_command(folder, http)) as process:
        process.says("start worker process ")
        yield
        assert process.stop(signal.SIGQUIT) == 0
