"""Pages of other origins in a real browser: they change nothing, unless their origin is allowed."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from benchmarks.chromium import CHROMIUM, FLAGS
from playwright.sync_api import BrowserContext, Error, Page, sync_playwright

from factories import REPOSITORY, house_bytes, house_json, settings_for
from housing_price_orchestrator.app import create_app
from http_server import Answer, running_http_server
from servers import StubModelServer, served
from waiting import wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not on the path"),
]

BOUNDED_MS = 60_000
REBINDING = "--host-resolver-rules=MAP evil.example 127.0.0.1"
"""As after DNS rebinding: the page's own name leads to the service."""

PREDICT = "/api/v1/price/predict"
TARGETS = [
    ("/api/v1/jobs/training", '{"seed": 7}'),
    ("/api/v1/models/1/rollback", "{}"),
    ("/api/v1/models/1/promote", ""),
    ("/api/v1/models/1/canary", '{"weight": 1}'),
    ("/api/v1/jobs/scoring", "id\n1\n"),
    ("/api/v1/price/actuals", '{"data": [{"id": 1461, "salePrice": 1}]}'),
    (PREDICT, house_bytes().decode()),
    (f"{PREDICT}/stream", house_bytes().decode().replace("\n", "")),
]

# Everything that a page may send to another origin without a CORS preflight, and attempts that need one.
ATTACK = """async ([url, body]) => {
  const send = (options) => fetch(url, {method: "POST", ...options}).catch(() => null);
  const types = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"];
  const bodies = [new Blob([body]), new TextEncoder().encode(body), new URLSearchParams({a: body}), body];
  const form = new FormData();
  form.append("a", body);
  for (const mode of ["no-cors", "cors"]) {
    await send({mode});
    for (const one of [...bodies, form]) await send({mode, body: one});
    for (const type of types) await send({mode, body, headers: {"content-type": type}});
    await send({mode, body: new Blob([body], {type: "application/json"})});
    await send({mode, body, headers: {"content-type": "application/json"}});
    for (const method of ["PUT", "DELETE", "PATCH"]) await send({mode, method, body});
    await send({mode, body: new Blob([body]), referrerPolicy: "no-referrer"});
  }
  navigator.sendBeacon(url, new Blob([body]));
  navigator.sendBeacon(url, body);
  const request = new XMLHttpRequest();
  await new Promise((done) => {
    request.onloadend = done;
    request.open("POST", url);
    request.send(new Blob([body]));
  });
}"""

FORM = """([url, body, enctype]) => {
  const frame = Object.assign(document.createElement("iframe"), {name: "target"});
  const form = Object.assign(document.createElement("form"), {method: "post", action: url, enctype, target: "target"});
  form.append(Object.assign(document.createElement("input"), {name: body}));
  document.body.replaceChildren(frame, form);
  form.submit();
}"""
ENCODINGS = ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded"]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service without authentication, with jobs and the prediction log."""
    folder = tmp_path_factory.mktemp("service")
    groups: dict[str, Any] = {
        "jobs": {"database_url": f"sqlite:///{folder / 'jobs.db'}", "folder": folder / "jobs"},
        "prediction_log": {"enabled": True, "url": f"sqlite:///{folder / 'log.db'}"},
    }
    with StubModelServer() as stub, served(create_app(settings_for(stub.url, **groups))) as address:
        for path in ("/api/v1/jobs", "/api/v1/predictions"):
            wait_until(lambda path=path: httpx.get(f"{address}{path}").is_success, f"{path} is not available", 60)  # type: ignore[misc]  # a default binds the loop's variable
        yield address


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """The address of a page on another port of the same host: another origin of the same site."""
    page = Answer(b"<!doctype html><title>another origin</title><body></body>", content_type="text/html")
    with running_http_server(lambda _: page) as url:
        yield url


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        folder = tmp_path_factory.mktemp("profile")
        browser = playwright.chromium.launch_persistent_context(
            folder, executable_path=CHROMIUM, args=[*FLAGS, REBINDING]
        )
        browser.set_default_timeout(BOUNDED_MS)
        with contextlib.closing(browser):
            yield browser


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    yield page
    page.close()


def state_of(url: str) -> tuple[Any, Any]:
    jobs, predictions = (httpx.get(f"{url}{path}").json() for path in ("/api/v1/jobs", "/api/v1/predictions"))
    return jobs["jobs"], predictions["predictions"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "evil.example"])
def test_no_request_of_another_origin_changes_anything(url: str, elsewhere: str, page: Page, host: str) -> None:
    page.goto(elsewhere.replace("127.0.0.1", host))
    assert state_of(url) == ([], [])
    seen: list[tuple[str, int]] = []
    page.on("response", lambda answer: seen.append((answer.request.method, answer.status)))
    for path, body in TARGETS:
        page.evaluate(ATTACK, [f"{url}{path}", body])
        for encoding in ENCODINGS:
            with page.expect_response(lambda answer: answer.request.is_navigation_request()):
                page.evaluate(FORM, [f"{url}{path}", body, encoding])
    statuses = {status for method, status in seen if method == "POST"}
    assert statuses == {403}
    assert state_of(url) == ([], [])


def test_a_rebound_name_reads_nothing(url: str, page: Page) -> None:
    answer = page.goto(f"http://evil.example:{urlsplit(url).port}/api/v1/predictions")
    assert answer is not None
    assert answer.status == 400
    assert answer.json()["type"] == "urn:housing-price:problem:host-not-served"


def test_an_own_page_may_change_state(url: str, page: Page) -> None:
    page.goto(f"{url}/docs")
    status = page.evaluate(
        """async (body) => (await fetch("/api/v1/price/predict", {
            method: "POST", body, headers: {"content-type": "application/json"},
        })).status""",
        house_bytes().decode(),
    )
    assert status == 200


REQUESTS = 4
"""Requests per minute of one address that `open_url` answers."""

CALL = """async ([url, body, headers]) => {
  const answer = await fetch(url, {method: "POST", body, headers});
  return {status: answer.status, headers: Object.fromEntries(answer.headers), document: await answer.json()};
}"""


@pytest.fixture
def open_url(elsewhere: str, tmp_path: Path) -> Iterator[str]:
    """The address of a service with jobs and a rate limit that allows the pages of `elsewhere`."""
    groups: dict[str, Any] = {
        "jobs": {"database_url": f"sqlite:///{tmp_path / 'jobs.db'}", "folder": tmp_path / "jobs"},
        "cors": {"allowed_origins": elsewhere},
        "rate_limit": {"requests": f"{REQUESTS}/minute"},
    }
    with StubModelServer() as stub, served(create_app(settings_for(stub.url, **groups))) as address:
        wait_until(lambda: httpx.get(f"{address}/readyz").is_success, "the service is not ready", 60)
        yield address


def test_a_page_of_an_allowed_origin_sends_and_reads_headers(open_url: str, elsewhere: str, page: Page) -> None:
    page.goto(elsewhere)
    headers = {
        "Authorization": "Bearer hp_unused",
        "Content-Type": "application/json",
        "Idempotency-Key": "one",
        "If-None-Match": '"x"',
        "X-API-Key": "hp_unused",
        "X-Request-ID": "page-7",
        "X-Request-Timeout-Ms": "5000",
        "traceparent": f"00-{'1' * 32}-{'2' * 16}-01",
    }
    request = [f"{open_url}{PREDICT}", house_bytes().decode(), headers]
    answers = [page.evaluate(CALL, request) for _ in range(REQUESTS + 1)]
    assert [answer["status"] for answer in answers] == [200] * REQUESTS + [429]
    first, last = answers[0], answers[-1]
    assert first["document"]["predictedPrice"] > 0
    assert first["headers"]["x-request-id"] == "page-7"
    assert {"ratelimit", "ratelimit-policy", "server-timing"} <= first["headers"].keys()
    assert 1 <= int(last["headers"]["retry-after"]) <= 60
    assert last["document"]["type"] == "urn:housing-price:problem:rate-limit-exceeded"


def test_the_documented_function_works_on_a_page_of_an_allowed_origin(
    open_url: str, elsewhere: str, page: Page
) -> None:
    text = (REPOSITORY / "docs" / "cors.md").read_text(encoding="utf-8")
    (function,) = re.findall(r"```javascript\n(.*?)```", text, re.DOTALL)
    house = house_json()
    file = "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in (house, house.values()))
    page.goto(elsewhere)
    call = f"([api, file]) => {{ {function}\nreturn priceFile(api, new Blob([file])); }}"
    job = page.evaluate(call, [open_url, file])
    assert job.startswith(f"{open_url}/api/v1/jobs/")
    assert page.evaluate("async (url) => (await (await fetch(url)).json()).state", job) == "queued"
    for _ in range(REQUESTS - 2):
        page.evaluate(call, [open_url, file])
    with pytest.raises(Error, match=r"Too many requests, try again in \d+ s; request [0-9a-z]+"):
        page.evaluate(call, [open_url, file])


@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_a_page_of_an_origin_that_is_not_allowed_reads_nothing(
    open_url: str, elsewhere: str, page: Page, host: str
) -> None:
    page.goto(elsewhere.replace("127.0.0.1", host))
    with pytest.raises(Error, match="Failed to fetch"):
        page.evaluate("async (url) => (await fetch(url)).status", f"{open_url}/api/v1/vocabulary")
    with pytest.raises(Error, match="Failed to fetch"):
        page.evaluate(CALL, [f"{open_url}{PREDICT}", house_bytes().decode(), {"Content-Type": "application/json"}])
