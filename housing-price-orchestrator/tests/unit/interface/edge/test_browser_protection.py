"""The limits of pages in browsers, for every operation of the OpenAPI document that changes state."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from conftest import StartApp
from factories import bearer, client_of, house_bytes, new_key, replace_services, settings_for
from fakes import FakeJobQueue
from housing_price_orchestrator.app import create_app, openapi_document
from housing_price_orchestrator.interface.edge.browser_protection import own_origin
from housing_price_orchestrator.provider.jobs.files import FolderJobFiles
from housing_price_orchestrator.provider.jobs.move_rules import MoveRulesFiles
from housing_price_orchestrator.service.jobs import Jobs
from housing_price_orchestrator.shared.locations import AllowedLocations
from servers import StubModelServer

PREDICT = "/api/v1/price/predict"
ORIGIN = "http://localhost:8000"
HOST = {"host": "localhost:8000"}
AS_JSON = {"content-type": "application/json"}
VALUATION = "/api/v1/valuation"
PRICES = (PREDICT, f"{PREDICT}/batch", f"{PREDICT}/stream", VALUATION, f"{VALUATION}/batch")
WITHOUT_CHANGES = (*PRICES, f"{VALUATION}/estimate")

CHANGES: dict[str, tuple[str, str, dict[str, Any]]] = {
    operation["operationId"]: (method, path.replace("{version}", "2").replace("{id}", "a" * 32), operation)
    for path, methods in openapi_document()["paths"].items()
    for method, operation in methods.items()
    if method != "get"
}
WITH_BODY = {name: path for name, (_, path, operation) in CHANGES.items() if "requestBody" in operation}
WITHOUT_BODY = {
    name: path
    for name, (method, path, operation) in CHANGES.items()
    if method == "post" and not operation["requestBody"].get("required", False)
}


class Site:
    """The application with jobs, as a browser reaches it."""

    def __init__(self, client: TestClient, queue: FakeJobQueue) -> None:
        self.client = client
        self.queue = queue

    @property
    def is_unchanged(self) -> bool:
        return not self.queue.jobs


@pytest.fixture(scope="module")
def api() -> Iterator[TestClient]:
    """One application for all tests of a kind: none of their requests changes it."""
    with StubModelServer() as stub, client_of(create_app(settings_for(stub.url))) as client:
        yield client


def site_of(client: TestClient, folder: Path) -> Site:
    queue = FakeJobQueue()
    replace_services(client, jobs=Jobs(queue, FolderJobFiles(folder), AllowedLocations([]), MoveRulesFiles(None)))
    return Site(client, queue)


@pytest.fixture
def site(api: TestClient, tmp_path: Path) -> Site:
    return site_of(api, tmp_path)


def problem_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:housing-price:problem:")


FOREIGN_ORIGINS = [
    "http://localhost:3000",
    "http://localhost",
    "https://localhost:8000",
    "http://127.0.0.1:8000",
    "http://evil.example",
    "HTTP://EVIL.EXAMPLE",
    "http://localhost:8000.evil.example",
    "http://localhost:80001",
    "http://evil.example/http://localhost:8000",
    "http://localhost:8000@evil.example",
    "http://localhost:8000, http://evil.example",
    "http://localhost:8000/",
    "localhost:8000",
    "file://",
    "null",
    "",
    "*",
]


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("sent", ["as declared", "without a type", "nothing"])
def test_a_page_of_another_origin_cannot_change_anything(site: Site, name: str, sent: str) -> None:
    method, path, operation = CHANGES[name]
    content = b"{}" if sent != "nothing" else b""
    types = (
        operation.get("requestBody", {"content": ["application/json"]})["content"] if sent == "as declared" else [""]
    )
    for media_type in types:
        headers = {"origin": "http://localhost:3000"} | HOST | ({"content-type": media_type} if media_type else {})
        answer = site.client.request(method, path, content=content, headers=headers)
        assert problem_of(answer) == (403, "origin-refused")
        assert answer.headers["x-request-id"] == answer.json()["requestId"]
    assert site.is_unchanged


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_every_other_origin_is_foreign(site: Site, origin: str) -> None:
    answer = site.client.post("/api/v1/models/2/rollback", headers={"origin": origin} | HOST)
    assert problem_of(answer) == (403, "origin-refused")
    assert site.is_unchanged


def test_one_own_origin_among_several_is_not_enough(site: Site) -> None:
    headers = [("origin", ORIGIN), ("origin", "http://evil.example"), *HOST.items()]
    assert problem_of(site.client.post("/api/v1/models/2/rollback", headers=headers)) == (403, "origin-refused")


@pytest.mark.parametrize("site_of_page", ["cross-site", "same-site", "SAME-ORIGIN", "", "other"])
@pytest.mark.parametrize("name", [name for name, (_, path, _) in CHANGES.items() if path not in WITHOUT_CHANGES])
def test_without_an_origin_the_browser_says_which_site_a_page_is_of(site: Site, name: str, site_of_page: str) -> None:
    method, path, _ = CHANGES[name]
    answer = site.client.request(method, path, headers={"sec-fetch-site": site_of_page})
    assert problem_of(answer) == (403, "origin-refused")
    assert site.is_unchanged


@pytest.mark.parametrize("headers", [{"origin": ORIGIN}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}])
def test_a_page_of_this_service_may_change_state(site: Site, headers: dict[str, str]) -> None:
    assert site.client.post("/api/v1/models/2/promote", headers=headers | HOST).status_code == 202
    assert site.client.post("/api/v1/jobs/training", json={"seed": 3}, headers=headers | HOST).status_code == 202
    priced = site.client.post(PREDICT, content=house_bytes(), headers=headers | HOST | AS_JSON)
    assert priced.status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "DELETE", "QUERY", "BREW"])
def test_methods_that_no_operation_has_are_refused_as_well(site: Site, method: str) -> None:
    answer = site.client.request(method, "/api/v1/models/2", headers={"origin": "null"})
    assert problem_of(answer) == (403, "origin-refused")


def test_reading_is_left_to_the_browser(site: Site) -> None:
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = site.client.get("/api/v1/jobs", headers=headers)
        assert answer.status_code == 200
        assert "access-control-allow-origin" not in answer.headers


BROWSER_TYPES = [
    None,  # fetch with a Blob without a type, sendBeacon with one, XMLHttpRequest with an ArrayBuffer
    "",
    "text/plain",
    "text/plain;charset=UTF-8",
    "text/plain; application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=----WebKitFormBoundary",
]
"""Types that a page may send to another origin without asking first."""


@pytest.mark.parametrize("media_type", BROWSER_TYPES)
@pytest.mark.parametrize("name", [name for name, path in WITH_BODY.items() if path not in WITHOUT_CHANGES])
@pytest.mark.parametrize("is_length_known", [True, False])
def test_a_body_needs_its_type(site: Site, name: str, media_type: str | None, is_length_known: bool) -> None:
    headers = {} if media_type is None else {"content-type": media_type}
    content: Any = b'{"source": "bundled"}'
    answer = site.client.post(WITH_BODY[name], content=content if is_length_known else iter([content]), headers=headers)
    assert problem_of(answer) == (415, "unsupported-media-type")
    if media_type is None:
        assert "`Content-Type`" in answer.json()["detail"]
    assert site.is_unchanged


@pytest.mark.parametrize("name", [name for name in WITHOUT_BODY if name != "canaryModel"])
@pytest.mark.parametrize("headers", [{}, {"origin": ORIGIN}, {"content-type": "application/json"}])
def test_a_call_without_a_body_needs_no_type(site: Site, name: str, headers: dict[str, str]) -> None:
    assert site.client.post(WITHOUT_BODY[name], headers=headers | HOST).status_code == 202


@pytest.mark.parametrize("path", PRICES)
@pytest.mark.parametrize("headers", [{}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}])
def test_programs_may_price_without_a_type(api: TestClient, path: str, headers: dict[str, str]) -> None:
    body = b'{"data": [' + house_bytes() + b"]}" if path.endswith("batch") else house_bytes()
    answer = api.post(path, content=body, headers=headers)
    assert answer.status_code == 200
    assert "predictedPrice" in answer.text


@pytest.mark.parametrize("path", WITHOUT_CHANGES)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": ORIGIN},
        {"origin": ORIGIN, "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": ""},
    ],
)
def test_pages_price_with_a_type_only(site: Site, path: str, headers: dict[str, str]) -> None:
    answer = site.client.post(path, content=house_bytes(), headers=headers | HOST)
    assert problem_of(answer) == (415, "unsupported-media-type")
    assert site.is_unchanged


def test_an_allowed_origin_may_change_state(stub: StubModelServer, start_app: StartApp, tmp_path: Path) -> None:
    site = site_of(start_app(stub.url, cors={"allowed_origins": "https://www.example.com"}), tmp_path)
    headers = {"origin": "https://www.example.com"}
    assert site.client.post("/api/v1/models/2/promote", headers=headers).status_code == 202
    refused = site.client.post("/api/v1/models/2/promote", headers={"origin": "http://www.example.com"})
    assert problem_of(refused) == (403, "origin-refused")


@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]
)
def test_all_origins_can_be_allowed(
    stub: StubModelServer, start_app: StartApp, tmp_path: Path, headers: dict[str, str]
) -> None:
    site = site_of(start_app(stub.url, cors={"allowed_origins": "*"}), tmp_path)
    assert site.client.post("/api/v1/models/2/promote", headers=headers).status_code == 202


def test_a_key_does_not_open_the_api_to_other_origins(
    stub: StubModelServer, start_app: StartApp, tmp_path: Path
) -> None:
    key = new_key(tmp_path / "keys.json")
    api = start_app(stub.url, auth={"keys_file": tmp_path / "keys.json"})
    headers = bearer(key) | AS_JSON
    assert api.post(PREDICT, content=house_bytes(), headers=headers).status_code == 200
    headers |= {"origin": "https://elsewhere.example"}
    assert problem_of(api.post(PREDICT, content=house_bytes(), headers=headers)) == (403, "origin-refused")


class TestOwnOriginBehindAProxy:
    """The proxy terminates TLS; this service listens on plain HTTP."""

    def client(self, stub: StubModelServer, address: str) -> TestClient:
        server = {"trusted_proxies": "10.0.0.0/8", "trusted_hosts": "prices.example.com,orchestrator"}
        return client_of(create_app(settings_for(stub.url, server=server)), client=(address, 4711))

    @pytest.mark.parametrize(
        ("origin", "headers", "status"),
        [
            ("https://prices.example.com", {"host": "prices.example.com", "x-forwarded-proto": "https"}, 200),
            ("https://prices.example.com", {"host": "prices.example.com:443", "x-forwarded-proto": "https"}, 200),
            ("https://prices.example.com:8443", {"host": "prices.example.com:8443", "x-forwarded-proto": "https"}, 200),
            (
                "https://prices.example.com",
                {"host": "orchestrator:8000", "x-forwarded-host": "prices.example.com", "x-forwarded-proto": "https"},
                200,
            ),
            (
                "https://prices.example.com",
                {"host": "prices.example.com", "x-forwarded-host": " , ", "x-forwarded-proto": "https"},
                200,
            ),
            ("http://prices.example.com", {"host": "prices.example.com", "x-forwarded-proto": "https"}, 403),
            ("https://prices.example.com", {"host": "prices.example.com"}, 403),
            ("https://evil.example", {"host": "prices.example.com", "x-forwarded-proto": "https"}, 403),
            # A page whose name leads to the proxy may send this header, and the proxy may pass it on.
            ("https://evil.example", {"host": "evil.example", "x-forwarded-host": "localhost"}, 400),
            ("https://evil.example", {"host": "localhost", "x-forwarded-host": "evil.example"}, 400),
            ("https://evil.example", {"host": "localhost", "x-forwarded-host": "localhost, evil.example"}, 400),
        ],
    )
    def test_is_recognised(self, stub: StubModelServer, origin: str, headers: dict[str, str], status: int) -> None:
        sent = {"origin": origin, "content-type": "application/json", **headers}
        with self.client(stub, "10.1.2.3") as api:
            assert api.post(PREDICT, content=house_bytes(), headers=sent).status_code == status

    def test_is_not_taken_from_an_untrusted_proxy(self, stub: StubModelServer) -> None:
        sent = {"origin": "https://prices.example.com", "x-forwarded-host": "prices.example.com"}
        sent |= {"host": "orchestrator", "x-forwarded-proto": "https", "content-type": "application/json"}
        with self.client(stub, "192.0.2.1") as api:
            assert problem_of(api.post(PREDICT, content=house_bytes(), headers=sent)) == (403, "origin-refused")


@pytest.mark.parametrize(
    ("scheme", "host", "origin"),
    [
        ("http", b"localhost:8000", b"http://localhost:8000"),
        ("http", b"LOCALHOST:80", b"http://localhost"),
        ("https", b"localhost:80", b"https://localhost:80"),
        ("https", b"[::1]:443", b"https://[::1]"),
        ("http", b"[::80]", b"http://[::80]"),
        ("http", b"a:8080", b"http://a:8080"),
    ],
)
def test_an_own_origin_is_written_as_browsers_write_it(scheme: str, host: bytes, origin: bytes) -> None:
    assert own_origin(scheme, host) == origin


def test_the_problem_says_how_to_allow_an_origin(api: TestClient) -> None:
    answer = api.post(PREDICT, content=json.dumps({}), headers={"origin": "http://localhost:3000"})
    assert "`ORCHESTRATOR_CORS__ALLOWED_ORIGINS`" in answer.json()["detail"]
