"""Shared by the fake services: an HTTP server whose responses come from a function."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

type Answer = tuple[int, Any]


def say(text: str) -> None:
    print(text, flush=True)


def serve(host: str, port: int, answer: Callable[[str], Answer]) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self.path)
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer.allow_reuse_address = True
    say(f"fake listens on {port} as process {os.getpid()}")
    ThreadingHTTPServer((host, port), Handler).serve_forever()


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser()
    options.add_argument("--host")
    options.add_argument("--port", type=int)
    return options


def exit_if_configured(service: str) -> None:
    """With FAKE_DIES="orchestrator:3", print a reason and exit with status 3 if this is the orchestrator.

    With FAKE_IGNORES_SIGTERM="orchestrator", the orchestrator ends only when it is killed.
    """
    if os.environ.get("FAKE_IGNORES_SIGTERM") == service:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    name, _, status = os.environ.get("FAKE_DIES", "").partition(":")
    if name == service:
        say(f"{service} has a bad setting")
        sys.exit(int(status))
