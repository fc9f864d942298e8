"""A real nginx with a configuration of the test."""

import contextlib
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers import Process

needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx was not found (Debian: nginx)")

CONFIGURATION = """
daemon off;
worker_processes 1;
error_log stderr notice;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {content}
}}
"""


@contextlib.contextmanager
def running_nginx(folder: Path, content: str) -> Iterator[None]:
    """Run nginx with `content` in its `http` block until the context ends."""
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, content=content))
    with Process("nginx", "-e", "stderr", "-p", str(folder), "-c", str(configuration)) as process:
        process.says("start worker process ")
        yield
        assert process.stop(signal.SIGQUIT) == 0
