"""The page's routes: who gets which document, its policy, its caching, and the way behind a path prefix."""

import re
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from fastapi.testclient import TestClient

from factories import REPOSITORY, client_of, new_key, settings_for
from housing_price_orchestrator.app import create_app
from housing_price_orchestrator.interface.page.routes import INDEX, STATIC
from servers import StubModelServer

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
FILES = sorted(f"/page/{path.name}" for path in STATIC.iterdir())
MAX_PAGE_BYTES = 150_000
ADDRESS = re.compile(r'(?:src|href)="([^"#]*)"')


@pytest.fixture(scope="module")
def stub() -> Iterator[StubModelServer]:
    with StubModelServer() as stub:
        yield stub


@pytest.fixture(scope="module")
def api(stub: StubModelServer) -> Iterator[TestClient]:
    with client_of(create_app(settings_for(stub.url))) as client:
        yield client


def app_with(stub: StubModelServer, **groups: dict[str, Any]) -> TestClient:
    return client_of(create_app(settings_for(stub.url, **groups)))


def is_page(response: Any) -> bool:
    return bool(response.headers["content-type"] == "text/html; charset=utf-8" and "<title>" in response.text)


def test_a_browser_gets_the_page_and_a_program_json(api: TestClient) -> None:
    assert is_page(api.get("/", headers=BROWSER))
    for accept in ("*/*", "application/json", "text/html;q=x", "\u00e4".encode()):
        answer = api.get("/", headers={b"accept": accept.encode() if isinstance(accept, str) else accept})
        assert answer.json()["name"] == "housing-price-orchestrator"
        assert answer.headers["vary"] == "Accept"
        assert "content-security-policy" not in answer.headers


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_head_has_the_headers_of_get_and_no_body(api: TestClient, accept: str) -> None:
    head, get = (api.request(method, "/", headers={"accept": accept}) for method in ("HEAD", "GET"))
    assert (head.status_code, head.content) == (200, b"")
    names = ("content-type", "content-length", "vary", "etag", "content-security-policy")
    assert [head.headers.get(name) for name in names] == [get.headers.get(name) for name in names]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/page/main.js"])
def test_the_page_is_only_read(api: TestClient, method: str, path: str) -> None:
    assert api.request(method, path, headers=BROWSER).status_code == 405


def test_the_policy_allows_only_own_files(api: TestClient) -> None:
    answer = api.get("/", headers=BROWSER)
    directives = answer.headers["content-security-policy"].split("; ")
    policy = {name: value for name, _, value in (directive.partition(" ") for directive in directives)}
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert {policy[name] for name in ("base-uri", "form-action", "frame-ancestors")} == {"'none'"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["vary"] == "Accept"


def test_the_documentation_keeps_its_own_policy(api: TestClient) -> None:
    for path in ("/docs", "/redoc"):
        policy = api.get(path, headers=BROWSER).headers["content-security-policy"]
        assert "worker-src blob:" in policy
        assert "trusted-types" not in policy


def test_nothing_sets_a_cookie_or_leaves_this_server(api: TestClient) -> None:
    for path in ("/", *FILES):
        answer = api.get(path, headers=BROWSER)
        assert "set-cookie" not in answer.headers
        # The names of XML namespaces are no addresses.
        assert re.findall(r"https?://(?!www\.w3\.org/)[^\s'\"`]+", answer.text) == []


def test_the_html_holds_no_script_and_no_style() -> None:
    html = INDEX.read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=|javascript:", html) == []


def test_scripts_never_make_html_from_text() -> None:
    for path in STATIC.glob("*.js"):
        unsafe = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|cssText"
        assert re.findall(unsafe, path.read_text()) == [], path.name


def test_every_address_in_the_html_is_served(api: TestClient) -> None:
    addresses = ADDRESS.findall(api.get("/", headers=BROWSER).text)
    assert len(addresses) > 5
    for address in addresses:
        assert api.get(urljoin("http://localhost/", address)).status_code == 200, address


def test_every_import_of_a_script_is_served(api: TestClient) -> None:
    for path in FILES:
        for name in re.findall(r'(?:from|import\() ?"(\./[^"]+)"', api.get(path).text):
            assert api.get(urljoin(f"http://localhost{path}", name)).status_code == 200, (path, name)


@pytest.mark.parametrize("path", FILES)
def test_each_file_has_its_type(api: TestClient, path: str) -> None:
    types = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "csv": "text/csv"}
    answer = api.get(path)
    assert answer.headers["content-type"].partition(";")[0] == types[path.rpartition(".")[2]]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.content == (STATIC / path.removeprefix("/page/")).read_bytes()


@pytest.mark.parametrize("path", ["/", "/openapi.json", *FILES])
def test_a_browser_downloads_only_what_has_changed(api: TestClient, path: str) -> None:
    etag = api.get(path, headers=BROWSER).headers["etag"]
    again = api.get(path, headers={**BROWSER, "if-none-match": f'W/"x", {etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    assert again.headers["cache-control"] == "no-cache"
    assert again.headers.get("vary") == ("Accept" if path == "/" else None)
    assert api.get(path, headers={**BROWSER, "if-none-match": '"other"'}).status_code == 200


def test_the_json_at_the_same_address_is_never_answered_with_304(api: TestClient) -> None:
    etag = api.get("/", headers=BROWSER).headers["etag"]
    assert api.get("/", headers={"if-none-match": etag}).json()["name"] == "housing-price-orchestrator"


@pytest.mark.parametrize(
    "path",
    [
        "/page",
        "/page/",
        "/page/nothing.js",
        "/page/index.html",
        "/page/../routes.py",
        "/page/%2e%2e/routes.py",
        "/page/..%2froutes.py",
        "/page//etc/passwd",
        "/page/main.js%00",
        "/page/" + "a" * 5000,
    ],
)
def test_nothing_but_the_files_of_the_page_is_served(api: TestClient, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("group", ["page", "docs"])
def test_a_setting_turns_the_page_off(stub: StubModelServer, group: str) -> None:
    with app_with(stub, **{group: {"enabled": False}}) as api:
        assert api.get("/", headers=BROWSER).json()["name"] == "housing-price-orchestrator"
        assert {api.get(path).status_code for path in FILES} == {404}


def test_the_page_needs_no_key(stub: StubModelServer, tmp_path: Path) -> None:
    new_key(tmp_path / "keys.json")
    with app_with(stub, auth={"keys_file": tmp_path / "keys.json"}) as api:
        assert is_page(api.get("/", headers=BROWSER))
        assert {api.get(path).status_code for path in FILES} == {200}
        assert is_page(api.get("/", headers={**BROWSER, "x-api-key": "wrong"}))


@pytest.mark.parametrize("address", ["/prices", "/prices/"])
@pytest.mark.parametrize("is_removed", [True, False])
def test_the_page_works_behind_a_path_prefix(stub: StubModelServer, address: str, is_removed: bool) -> None:
    def sent(path: str) -> str:
        assert path.startswith("/prices")
        return (path.removeprefix("/prices") or "/") if is_removed else path

    with app_with(stub, server={"path_prefix": "/prices"}) as api:
        page = api.get(sent(address), headers=BROWSER)
        assert is_page(page)
        for found in ADDRESS.findall(page.text):
            assert api.get(sent(urljoin(address, found))).status_code == 200, found


def test_pages_of_different_prefixes_have_different_etags(stub: StubModelServer) -> None:
    app = create_app(settings_for(stub.url, server={"trusted_proxies": "10.0.0.1"}))
    with client_of(app, client=("10.0.0.1", 1)) as api:
        prefixes: tuple[dict[str, str], ...] = ({}, {"x-forwarded-prefix": "/a"}, {"x-forwarded-prefix": "/b"})
        assert len({api.get("/", headers={**BROWSER, **prefix}).headers["etag"] for prefix in prefixes}) == 3


def test_without_a_prefix_the_addresses_are_relative(api: TestClient) -> None:
    # A proxy may remove a prefix and not say so.
    addresses = ADDRESS.findall(api.get("/", headers=BROWSER).text)
    assert {address[:2] for address in addresses} == {"./"}


def test_the_whole_page_is_small() -> None:
    total = INDEX.stat().st_size + sum(path.stat().st_size for path in STATIC.iterdir())
    assert total <= MAX_PAGE_BYTES


@pytest.mark.full
def test_the_wheel_holds_every_file_of_the_page(uv: str, tmp_path: Path) -> None:
    command = (uv, "build", "--wheel", "--offline", "--package", "housing-price-orchestrator", "--out-dir", tmp_path)
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    packaged = zipfile.ZipFile(wheel)
    folder = "housing_price_orchestrator/interface/page"
    for path in (INDEX, *STATIC.iterdir()):
        assert packaged.read(f"{folder}/{path.relative_to(INDEX.parent).as_posix()}") == path.read_bytes()
