"""A small HTTP server in a thread; a function of the test answers its requests."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

POLL_SECONDS = 0.01
"""Interval at which the server checks whether it should stop."""


@dataclass(frozen=True)
class Request:
    """A request; the names of its headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"


@contextlib.contextmanager
def running_http_server(answer: Callable[[Request], Answer]) -> Iterator[str]:
    """Run a server on a free port of loopback; yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            answered = answer(Request(self.command, self.path, headers, self._read_body()))
            self.send_response(answered.status)
            self.send_header("content-type", answered.content_type)
            self.send_header("content-length", str(len(answered.body)))
            self.end_headers()
            self.wfile.write(answered.body)

        def _read_body(self) -> bytes:
            if self.headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("content-length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)
