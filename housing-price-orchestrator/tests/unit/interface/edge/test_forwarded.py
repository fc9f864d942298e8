"""The path prefix: pages, links, `Location` and `servers` follow it, whether or not the proxy removes it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from fastapi.testclient import TestClient
from starlette.routing import Mount

from factories import client_of, house_bytes, replace_services, settings_for
from fakes import FakeJobQueue
from housing_price_orchestrator.app import create_app, openapi_document
from housing_price_orchestrator.interface.edge.forwarded import ROOTS
from housing_price_orchestrator.interface.openapi.application import DescribedAPI
from housing_price_orchestrator.provider.jobs.files import FolderJobFiles
from housing_price_orchestrator.provider.jobs.move_rules import MoveRulesFiles
from housing_price_orchestrator.service.jobs import Jobs
from housing_price_orchestrator.settings import InvalidSettings, load_settings
from housing_price_orchestrator.shared.locations import AllowedLocations
from servers import StubModelServer

PROXY = ("10.0.0.1", 4711)
PREDICT, TRAINING = "/api/v1/price/predict", "/api/v1/jobs/training"

# The own paths begin with some of these.
PREFIXES = ["/prices", "/apps/a.b_c~d-1", "/api", "/docs"]


def app_with(stub: StubModelServer, **server: Any) -> DescribedAPI:
    return create_app(settings_for(stub.url, server=server))


def with_jobs(client: TestClient, folder: Path) -> TestClient:
    replace_services(
        client, jobs=Jobs(FakeJobQueue(), FolderJobFiles(folder), AllowedLocations([]), MoveRulesFiles(None))
    )
    return client


class Behind:
    """A client of a proxy that publishes the application under a prefix."""

    def __init__(self, client: TestClient, prefix: str, *, is_removed: bool, headers: dict[str, str]) -> None:
        self.prefix = prefix
        self._client = client
        self._is_removed = is_removed
        self._headers = headers

    def request(self, method: str, public_path: str, **options: Any) -> Any:
        """Request a public path, which has to begin with the prefix."""
        assert public_path.startswith(f"{self.prefix}/"), public_path
        path = public_path.removeprefix(self.prefix) if self._is_removed else public_path
        return self._client.request(method, path, headers=self._headers, **options)


@pytest.fixture(params=["a setting", "a header", "a header that overrides the setting"])
def source(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[True, False], ids=["removed", "left"])
def is_removed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=PREFIXES)
def behind(
    request: pytest.FixtureRequest, stub: StubModelServer, tmp_path: Path, source: str, is_removed: bool
) -> Iterator[Behind]:
    prefix: str = request.param
    header = {} if source == "a setting" else {"x-forwarded-prefix": prefix}
    setting = {"a setting": prefix, "a header": ""}.get(source, "/other")
    app = app_with(stub, trusted_proxies="10.0.0.0/8", path_prefix=setting)
    with client_of(app, client=PROXY) as client:
        yield Behind(with_jobs(client, tmp_path), prefix, is_removed=is_removed, headers=header)


def test_everything_follows_the_prefix(behind: Behind) -> None:
    prefix = behind.prefix
    links: dict[str, str] = behind.request("GET", f"{prefix}/").json()["links"]
    assert len(links) == 9
    for name, link in links.items():
        if not name.startswith("predict"):
            assert behind.request("GET", link).status_code == 200, link
    assert behind.request("POST", links["predict"], content=house_bytes()).status_code == 200
    for page in ("docs", "reference"):
        content = behind.request("GET", links[page]).text
        assets = re.findall(r'(?:src|href)="([^"]+)"', content)
        assert len(assets) >= 2
        for asset in assets:
            answer = behind.request("GET", urljoin(links[page], asset))
            assert (answer.status_code, answer.headers["x-content-type-options"]) == (200, "nosniff"), asset
        assert f"{prefix}/openapi.json" in content
    document = behind.request("GET", links["openapi"]).json()
    (server,) = document["servers"]
    assert server["url"] == prefix
    assert {**document, "servers": openapi_document()["servers"]} == openapi_document()
    submitted = behind.request("POST", f"{server['url']}{TRAINING}")
    assert submitted.status_code == 202
    assert behind.request("GET", submitted.headers["location"]).json() == submitted.json()
    assert behind.request("GET", f"{prefix}/nowhere").status_code == 404


@pytest.mark.parametrize("sent", ["/prices", "/prices/"])
def test_the_prefix_itself_describes_the_service(stub: StubModelServer, sent: str) -> None:
    with client_of(app_with(stub, path_prefix="/prices")) as client:
        assert client.get(sent).json()["links"]["docs"] == "/prices/docs"


def test_probes_need_no_prefix_and_no_host(stub: StubModelServer) -> None:
    with client_of(app_with(stub, path_prefix="/prices")) as client:
        for path in ("/livez", "/readyz", "/metrics", "/prices/livez", "/prices/metrics"):
            assert client.get(path, headers={"host": "10.244.0.7:8000"}).status_code in {200, 503}


@pytest.mark.parametrize("client", [("192.0.2.1", 1), PROXY])
def test_an_untrusted_proxy_cannot_set_a_prefix(stub: StubModelServer, client: tuple[str, int]) -> None:
    with client_of(app_with(stub, trusted_proxies="10.0.0.2"), client=client) as api:
        answer = api.get("/", headers={"x-forwarded-prefix": "/evil"})
        assert answer.json()["links"]["docs"] == "/docs"


@pytest.mark.parametrize(
    ("sent", "prefix"),
    [
        (["/prices/"], "/prices"),
        (["/"], ""),
        ([""], ""),
        (["/apps, /prices"], "/apps/prices"),
        (["/apps", "/prices/"], "/apps/prices"),
        (["//evil.example"], "/set"),
        (["/prices//x"], "/set"),
        (["prices"], "/set"),
        (["https://evil.example"], "/set"),
        (["/../admin"], "/set"),
        (["/a/./b"], "/set"),
        (['/"><script>alert(1)</script>'], "/set"),
        (["/'-alert(1)-'"], "/set"),
        (["/a\\b"], "/set"),
        (["/%2e%2e"], "/set"),
        (["/a?b"], "/set"),
        (["/a#b"], "/set"),
        (["/a b"], "/set"),
        (["/\u00e4"], "/set"),
        (["/" + "a" * 300], "/set"),
    ],
)
def test_only_a_valid_forwarded_prefix_is_used(stub: StubModelServer, sent: list[str], prefix: str) -> None:
    with client_of(app_with(stub, trusted_proxies="10.0.0.1", path_prefix="/set"), client=PROXY) as client:
        headers = [(b"x-forwarded-prefix", value.encode()) for value in sent]
        assert client.get("/", headers=headers).json()["links"]["docs"] == f"{prefix}/docs"
        assert client.get("/docs", headers=headers).text.count("alert(1)") == 0


@pytest.mark.parametrize("value", ["prices", "https://example.com/prices", "/a//b", "/a b", "/..", "/a?b", "/%41"])
def test_an_invalid_prefix_prevents_the_start(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ORCHESTRATOR_SERVER__PATH_PREFIX", value)
    with pytest.raises(InvalidSettings, match="ORCHESTRATOR_SERVER__PATH_PREFIX"):
        load_settings()


@pytest.mark.parametrize(("value", "prefix"), [("", ""), ("/", ""), ("/prices/", "/prices"), ("/a/b", "/a/b")])
def test_a_prefix_is_kept_without_its_last_slash(monkeypatch: pytest.MonkeyPatch, value: str, prefix: str) -> None:
    monkeypatch.setenv("ORCHESTRATOR_SERVER__PATH_PREFIX", value)
    assert load_settings().server.path_prefix == prefix


def test_the_roots_are_those_of_the_routes(stub: StubModelServer) -> None:
    app = app_with(stub)
    paths = [*app.openapi()["paths"], "/openapi.json"]
    paths += [route.path for route in app.routes if isinstance(route, Mount)]
    paths += ["/docs", "/redoc"]
    assert {path.split("/")[1] for path in paths} == ROOTS
