"""Every status that an operation answers with is declared in the OpenAPI document, with its media type and headers."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from conftest import StartApp
from factories import REPOSITORY, bearer, new_key, replace_services
from fakes import FakeJobQueue
from housing_price_orchestrator.app import openapi_document
from housing_price_orchestrator.interface.edge.cors import cors_options
from housing_price_orchestrator.provider.jobs.files import FolderJobFiles
from housing_price_orchestrator.provider.jobs.move_rules import MoveRulesFiles
from housing_price_orchestrator.service.jobs import Jobs
from housing_price_orchestrator.shared.access import SCOPES
from housing_price_orchestrator.shared.errors import JobFilesFull, JobsUnavailable
from housing_price_orchestrator.shared.jobs import Job
from housing_price_orchestrator.shared.locations import AllowedLocations
from servers import StubModelServer

DOCUMENT = openapi_document()
OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    operation["operationId"]: (method, path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
GUARDED = [name for name, (_, _, operation) in OPERATIONS.items() if "x-scopes" in operation]
JOB_ID = "01a1fd1c03f570008cab457000000000"
HEADERS = ("location", "retry-after", "www-authenticate", "content-range", "content-disposition", "ratelimit", "etag")


def check_example(operation: dict[str, Any], problem: dict[str, Any]) -> None:
    """The operation has an example of a problem, which differs from it in texts about the request only."""
    name = problem["type"].rpartition(":")[2]
    examples = operation["responses"][str(problem["status"])]["content"]["application/problem+json"]["examples"]
    assert name in examples, (operation["operationId"], problem)
    example = examples[name]
    if "$ref" in example:
        example = DOCUMENT["components"]["examples"][example["$ref"].rpartition("/")[2]]
    value = example["value"]
    assert problem.keys() == value.keys()
    assert (problem["type"], problem["title"]) == (value["type"], value["title"])
    if name in {"scope-missing", "unsupported-media-type"} and "Content-Type" not in problem["detail"]:
        assert {**problem, "requestId": value["requestId"]} == value


class Caller:
    """Calls one operation in many ways, and checks each answer against the document."""

    def __init__(self, name: str, client: TestClient, key: str) -> None:
        self.name, self._client, self._key = name, client, key
        self._method, path, self._operation = OPERATIONS[name]
        ids = {"{version}": "2", "{id}": JOB_ID, "{transactionId}": JOB_ID}
        for place, value in ids.items():
            path = path.replace(place, value)
        self.path = path
        self.statuses: set[int] = set()

    def call(self, *, content: bytes = b"", path: str | None = None, key: str | None = None, **headers: str) -> None:
        """Send a request; underscores in the names of headers stand for dashes."""
        sent = bearer(self._key if key is None else key) if key != "" else {}
        sent |= {header.replace("_", "-"): value for header, value in headers.items()}
        answer = self._client.request(self._method, path or self.path, content=content, headers=sent)
        responses = self._operation["responses"]
        status = str(answer.status_code)
        self.statuses.add(answer.status_code)
        assert status in responses, f"{self.name} answered {status}: {answer.text}"
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        assert not media_type or media_type in responses[status]["content"], f"{self.name}: {status} as {media_type}"
        if media_type == "application/problem+json":
            check_example(self._operation, answer.json())
        declared = {header.lower() for header in responses[status]["headers"]}
        assert {header for header in HEADERS if header in answer.headers} <= declared, f"{self.name}: {status}"

    def call_in_every_way(self) -> None:
        """Send good requests, and requests with each mistake that a caller can make."""
        media_types = list(self._operation.get("requestBody", {}).get("content", {"application/json": None}))
        for media_type in media_types:
            for content in (b"", b"{}", b"[", b"\xff", b'{"weight": 0.1}', b"x" * 200_000):
                self.call(content=content, content_type=media_type)
        self.call(content=b"{}")
        self.call(content=b"{}", content_type="text/plain")
        self.call(content=b"{}", content_type=media_types[0], content_encoding="gzip")
        self.call(key="")
        self.call(key="hp_unknown")
        self.call(host="evil.example")
        self.call(origin="http://evil.example")
        self.call(sec_fetch_site="cross-site")
        self.call(idempotency_key="\t", x_request_timeout_ms="0")
        self.call(idempotency_key="x" * 300, x_request_timeout_ms="never")
        self.call(range="bytes=0-3")
        self.call(range="bytes=0-1,2-3")
        self.call(range="bytes=900-")
        self.call(range="nonsense")
        self.call(path=f"{self.path}?limit=0&cursor=x&offset=-1")
        for id_ in (JOB_ID, "/2/"):
            self.call(path=self.path.replace(id_, "%20" if id_ == JOB_ID else "/%20/"))


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def key_of_scope(keys_file: Path) -> dict[str, str]:
    return {scope: new_key(keys_file, scope) for scope in SCOPES}


@pytest.fixture
def key(keys_file: Path) -> str:
    return new_key(keys_file, *SCOPES)


@pytest.fixture
def client(
    stub: StubModelServer, start_app: StartApp, keys_file: Path, key: str, key_of_scope: dict[str, str]
) -> TestClient:
    assert key not in key_of_scope.values()
    server = {"trusted_hosts": "localhost"}
    return start_app(stub.url, auth={"keys_file": keys_file}, server=server, requests={"max_batch_bytes": 100_000})


@pytest.fixture
def queue(client: TestClient, tmp_path: Path) -> FakeJobQueue:
    queue = FakeJobQueue()
    folder = tmp_path / "jobs"
    replace_services(client, jobs=Jobs(queue, FolderJobFiles(folder), AllowedLocations([]), MoveRulesFiles(None)))
    return queue


def finished_job(queue: FakeJobQueue, folder: Path) -> None:
    """Put a finished scoring job with its files into the queue."""
    queue.jobs[JOB_ID] = Job(JOB_ID, "scoring", "", "", {"format": "csv"}, "queued", datetime.now(UTC))
    queue.takes(JOB_ID)
    queue.succeeds(JOB_ID, {})
    for suffix in ("csv", "refused.ndjson"):
        file = folder / "results" / f"{JOB_ID}.{suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"row,id\n1,1\n")


@pytest.fixture(params=OPERATIONS)
def caller(request: pytest.FixtureRequest, client: TestClient, key: str) -> Caller:
    return Caller(request.param, client, key)


def test_every_answer_is_declared(
    caller: Caller, client: TestClient, queue: FakeJobQueue, key_of_scope: dict[str, str], tmp_path: Path
) -> None:
    caller.call_in_every_way()
    finished_job(queue, tmp_path / "jobs")
    caller.call_in_every_way()
    # Only an uploaded file needs space.
    for error in (JobsUnavailable("x"), *([JobFilesFull("x")] if caller.name == "submitScoring" else [])):
        queue.error = error
        caller.call(content=b'{"weight": 0.1}', content_type="application/json")
        caller.call(content=b"id\n1\n", content_type="text/csv")
    replace_services(client, jobs=None)
    caller.call(content=b'{"weight": 0.1}', content_type="application/json")
    for key in key_of_scope.values():
        caller.call(key=key)
    if caller.name in GUARDED:
        assert {401, 403} <= caller.statuses
    assert 500 not in caller.statuses


def test_only_the_file_of_a_job_has_parts(client: TestClient, queue: FakeJobQueue, key: str, tmp_path: Path) -> None:
    finished_job(queue, tmp_path / "jobs")
    for path in (f"/api/v1/jobs/{JOB_ID}/result", f"/api/v1/jobs/{JOB_ID}/refused"):
        answers = {
            sent: client.get(path, headers=bearer(key) | {"range": sent})
            for sent in ("bytes=0-2", "bytes=900-", "bytes=5-1", "pages=1", "")
        }
        assert (answers["bytes=0-2"].status_code, answers["bytes=0-2"].content) == (206, b"row")
        for sent in ("bytes=900-", "bytes=5-1", "pages=1"):
            answer = answers[sent]
            assert (answer.status_code, answer.json()["type"]) == (
                416,
                "urn:housing-price:problem:range-not-satisfiable",
            )
            assert answer.headers["content-range"] == "bytes */11"


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_the_connection_answers_is_declared_for_every_operation(name: str) -> None:
    _, path, operation = OPERATIONS[name]
    responses = operation["responses"]
    assert {"400", "408", "431", "500", "503"} <= responses.keys()
    assert "Too many connections" in responses["503"]["description"]
    assert "Malformed HTTP request" in responses["400"]["description"]
    assert ("Unknown host" in responses["400"]["description"]) == (path not in {"/livez", "/readyz", "/metrics"})
    assert "Retry-After" in responses["503"]["headers"]
    if name in GUARDED:
        assert {"401", "403", "429"} <= responses.keys()
        assert "Identity provider unavailable" in responses["503"]["description"]


def test_pages_of_allowed_origins_may_send_and_read_every_header() -> None:
    options = cors_options(["https://www.example.com"])
    operations = [operation for _, _, operation in OPERATIONS.values()]
    parameters = [one for operation in operations for one in operation.get("parameters", ())]
    sent = {one["name"] for one in parameters if one["in"] == "header"}
    sent |= {
        "Authorization",
        "X-API-Key",
        "Content-Type",
        "X-Request-ID",
        "traceparent",
        "tracestate",
        "baggage",
        "Range",
        "If-Range",
    }
    assert {"Idempotency-Key", "X-Request-Timeout-Ms"} <= sent
    assert {one.lower() for one in sent} <= {one.lower() for one in options["allow_headers"]}
    read = {name for operation in operations for one in operation["responses"].values() for name in one["headers"]}
    assert {"Location", "Retry-After", "X-Price-Source"} <= read
    assert {one.lower() for one in read} <= {one.lower() for one in options["expose_headers"]}
    assert {method.upper() for method, _, _ in OPERATIONS.values()} <= set(options["allow_methods"])


def test_the_page_on_cors_names_every_method_and_header() -> None:
    text = (REPOSITORY / "docs" / "cors.md").read_text(encoding="utf-8")
    options = cors_options(["https://www.example.com"])
    for action, option in (("methods", "methods"), ("request headers", "headers")):
        (row,) = (line for line in text.splitlines() if line.startswith(f"| {action} "))
        assert sorted(re.findall(r"`([^`]+)`", row)) == sorted(options[f"allow_{option}"])
    (row,) = (line for line in text.splitlines() if line.startswith("| response headers "))
    assert set(re.findall(r"`([^`]+)`", row)) - set(options["expose_headers"]) == {"Content-Type", "Cache-Control"}
    assert set(options["expose_headers"]) <= set(re.findall(r"`([^`]+)`", row))
