"""Behind a real nginx that publishes the service under a path prefix, and one that terminates TLS."""

import contextlib
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from certificates import Certificate, certificate
from factories import house_bytes, settings_for
from housing_price_orchestrator.app import create_app
from nginx import needs_nginx, running_nginx
from servers import StubModelServer, reserved_port, served
from waiting import wait_until

pytestmark = [pytest.mark.stack, needs_nginx]

PREDICT, TRAINING = "/api/v1/price/predict", "/api/v1/jobs/training"
JSON = {"content-type": "application/json"}

# `proxy_pass` with a path replaces the prefix by it.
SERVER = """
  server {{
    listen 127.0.0.1:{port} {ssl};
    ssl_certificate {cert};
    ssl_certificate_key {key};
    location /apps/prices/ {{
      proxy_pass {url}/;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Host "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      {prefix}
    }}
    location /api/ {{
      proxy_pass {url}/;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Prefix /api;
    }}
    location /unchanged/ {{
      proxy_pass {url};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Prefix /unchanged;
    }}
  }}
"""
HEADER = "proxy_set_header X-Forwarded-Prefix /apps/prices;"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls"))


@contextlib.contextmanager
def published(folder: Path, tls: Certificate, *, prefix_header: str, is_secure: bool, **server: Any) -> Iterator[str]:
    """Publish the application behind nginx, and give the address of nginx."""
    jobs = {"database_url": f"sqlite:///{folder / 'jobs.db'}", "folder": folder / "jobs"}
    with StubModelServer() as stub, reserved_port() as port:
        app = create_app(settings_for(stub.url, jobs=jobs, server={"trusted_proxies": "127.0.0.1", **server}))
        with served(app) as url:
            options = {"ssl": "ssl" if is_secure else "", "cert": tls.cert_file, "key": tls.key_file}
            content = SERVER.format(port=port, url=url, prefix=prefix_header, **options)
            with running_nginx(folder, content):
                yield f"{'https' if is_secure else 'http'}://127.0.0.1:{port}"


def client_for(url: str) -> httpx.Client:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return httpx.Client(base_url=url, verify=context, timeout=30, trust_env=False)


@pytest.mark.parametrize("source", ["a header", "a setting"])
def test_everything_follows_a_prefix_that_nginx_removes(tmp_path: Path, tls: Certificate, source: str) -> None:
    setting = {"path_prefix": "/apps/prices"} if source == "a setting" else {}
    header = HEADER if source == "a header" else ""
    with (
        published(tmp_path, tls, prefix_header=header, is_secure=False, **setting) as url,
        client_for(url) as http,
    ):
        _follow_everything(http, "/apps/prices")


@pytest.mark.parametrize("prefix", ["/api", "/unchanged"])
def test_a_prefix_may_equal_an_own_path_or_stay_in_the_path(tmp_path: Path, tls: Certificate, prefix: str) -> None:
    with published(tmp_path, tls, prefix_header=HEADER, is_secure=False) as url, client_for(url) as http:
        _follow_everything(http, prefix)


def _follow_everything(http: httpx.Client, prefix: str) -> None:
    links: dict[str, str] = http.get(f"{prefix}/").json()["links"]
    assert all(link.startswith(f"{prefix}/") for link in links.values())
    assert http.post(links["predict"], content=house_bytes(), headers=JSON).status_code == 200
    for page in (f"{prefix}/", links["docs"], links["reference"]):
        assert f"{prefix}/openapi.json" in _follow_page(http, page)
    (server,) = http.get(links["openapi"]).json()["servers"]
    assert server["url"] == prefix
    wait_until(lambda: http.get(f"{server['url']}/api/v1/jobs").status_code == 200, "no jobs", 30)
    submitted = http.post(f"{server['url']}{TRAINING}")
    assert submitted.status_code == 202
    location = submitted.headers["location"]
    assert location.startswith(f"{prefix}/api/v1/jobs/")
    assert http.get(location).json()["id"] == submitted.json()["id"]


def _follow_page(http: httpx.Client, page: str) -> str:
    """Check that every address in a page is served; returns its HTML."""
    content = http.get(page, headers={"accept": "text/html"}).text
    assets = re.findall(r'(?:src|href)="([^"]+)"', content)
    assert assets
    for asset in assets:
        assert http.get(urljoin(page, asset)).status_code == 200, asset
    return content


def test_the_page_works_where_nginx_removes_a_prefix_and_does_not_say_so(tmp_path: Path, tls: Certificate) -> None:
    with published(tmp_path, tls, prefix_header="", is_secure=False) as url, client_for(url) as http:
        assert "./page/main.js" in _follow_page(http, "/apps/prices/")


def test_pages_behind_tls_of_nginx_may_change_state_and_others_may_not(tmp_path: Path, tls: Certificate) -> None:
    with published(tmp_path, tls, prefix_header=HEADER, is_secure=True) as url, client_for(url) as http:
        path = f"/apps/prices{PREDICT}"
        statuses = {
            origin: http.post(path, content=house_bytes(), headers=JSON | {"origin": origin}).status_code
            for origin in (url, url.replace("https", "http"), f"{url}0", "https://evil.example", "null")
        }
        assert statuses.pop(url) == 200
        assert set(statuses.values()) == {403}
        # A name that leads to nginx is not served, whatever the page claims.
        rebound = {"host": "evil.example", "x-forwarded-host": "localhost", "x-forwarded-prefix": "/x"}
        assert http.get("/apps/prices/api/v1/jobs", headers=rebound).status_code == 400
        assert http.get("/apps/prices/livez", headers=rebound).status_code == 200
