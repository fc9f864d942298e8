"""`housing-price jobs` against a fake API that answers like the real one."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from housing_price.cli import app


class Api:
    """A fake API with one job, which finishes after two requests."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.ends_as = "succeeded"
        self.url = ""
        self._requests = 0

    def job(self) -> dict[str, Any]:
        self._requests += 1
        is_done = self._requests > 2
        return {
            "id": "a" * 32,
            "type": "scoring",
            "state": self.ends_as if is_done else "running",
            "progress": {"rowsDone": 10 if is_done else 5, "rowsTotal": 10},
            "createdAt": "2026-01-01T00:00:00Z",
            "error": {"code": "input-unusable", "detail": "No header."} if self.ends_as == "failed" else None,
        }


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    made = Api()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = b""
            if self.headers.get("transfer-encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.seen.append((self.command, self.path, headers, body))
            document, status = made.job(), 200
            if self.path.endswith("/unknown"):
                document, status = {"title": "No such job", "detail": "You have no job with this id."}, 404
            elif "?" in self.path:
                document = {"jobs": [document], "nextOffset": None}
            answer = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("HOUSING_PRICE_API_URL", made.url)
        monkeypatch.setenv("HOUSING_PRICE_API_KEY", "hp_secret")
        yield made
        server.shutdown()
        thread.join(10)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["jobs", *arguments])
    return result.exit_code, result.output


def test_submit_sends_the_file_and_the_api_key_and_follows_the_job_to_its_end(api: Api, tmp_path: Path) -> None:
    file = tmp_path / "houses.csv"
    file.write_bytes(b"id\n1\n")
    status, output = run("submit", str(file), "--watch", "--idempotency-key", "once")
    assert status == 0, output
    assert re.search(r"^a{32}$", output, re.MULTILINE)
    assert output.rstrip().endswith("succeeded")
    method, path, headers, body = api.seen[0]
    assert (method, path, body) == ("POST", "/api/v1/jobs/scoring", b"id\n1\n")
    assert headers["content-type"] == "text/csv"
    assert headers["authorization"] == "Bearer hp_secret"
    assert headers["idempotency-key"] == "once"


def test_watching_a_failed_job_prints_the_reason_and_exits_with_1(api: Api) -> None:
    api.ends_as = "failed"
    status, output = run("watch", "a" * 32)
    assert status == 1
    assert "The job failed (input-unusable): No header." in output


def test_watching_a_cancelled_job_says_so_and_exits_with_1(api: Api) -> None:
    api.ends_as = "cancelled"
    status, output = run("watch", "a" * 32)
    assert status == 1
    assert "housing-price: The job was cancelled." in output


def test_jobs_are_listed_shown_and_cancelled(api: Api) -> None:
    assert "5/10" in run("list")[1]
    assert json.loads(run("show", "a" * 32)[1])["state"] == "running"
    api.ends_as = "cancelled"
    assert run("cancel", "a" * 32) == (0, "cancelled\n")
    assert [method for method, *_ in api.seen] == ["GET", "GET", "DELETE"]


def test_every_failure_prints_a_message_and_no_traceback(api: Api, tmp_path: Path) -> None:
    assert run("show", "unknown") == (1, "housing-price: 404: No such job. You have no job with this id.\n")
    assert "houses.xls: unsupported file type" in run("submit", str(tmp_path / "houses.xls"))[1]
    assert "nosuch.csv: file not found." in run("submit", str(tmp_path / "nosuch.csv"))[1]
    status, output = run("list", "--url", "http://127.0.0.1:1")
    assert (status, "no response" in output) == (1, True)
    assert "Traceback" not in output
