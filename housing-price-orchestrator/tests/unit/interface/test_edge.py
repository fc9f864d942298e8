"""Optional middleware (trusted hosts, trusted proxies, CORS) and the documentation pages."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from factories import client_of, house_bytes, settings_for
from housing_price_orchestrator.app import create_app
from housing_price_orchestrator.settings import InvalidSettings, load_settings
from servers import StubModelServer

PREDICT = "/api/v1/price/predict"
PAGES = ["/docs", "/redoc"]

type StartApp = Callable[..., TestClient]


class TestHosts:
    @pytest.mark.parametrize(
        "host", ["prices.example.com", "PRICES.example.com:8443", "a.b.example.net", "[2001:db8::1]:80"]
    )
    def test_a_trusted_host_is_accepted(self, stub: StubModelServer, start_app: StartApp, host: str) -> None:
        api = start_app(stub.url, server={"trusted_hosts": "prices.example.com, *.example.net,[2001:db8::1]"})
        assert api.post(PREDICT, content=house_bytes(), headers={"host": host}).status_code == 200

    @pytest.mark.parametrize(
        "host",
        ["example.com", "prices.example.com.evil.org", "evil.org", "example.net", "", "prices.example.com:x", "@"],
    )
    def test_another_host_is_rejected(self, stub: StubModelServer, start_app: StartApp, host: str) -> None:
        api = start_app(stub.url, server={"trusted_hosts": "prices.example.com,*.example.net"})
        answer = api.post(PREDICT, content=house_bytes(), headers={"host": host})
        assert answer.status_code == 400
        assert answer.json()["type"] == "urn:housing-price:problem:host-not-served"
        assert answer.json()["requestId"] == answer.headers["x-request-id"]

    def test_two_host_headers_are_rejected(self, stub: StubModelServer, start_app: StartApp) -> None:
        api = start_app(stub.url, server={"trusted_hosts": "prices.example.com"})
        headers = [("host", "prices.example.com"), ("host", "prices.example.com")]
        assert api.get("/", headers=headers).status_code == 400


class TestCors:
    ORIGIN = "https://www.example.com"

    def test_cors_is_off_by_default(self, api: TestClient) -> None:
        answer = api.get("/livez", headers={"origin": self.ORIGIN})
        assert not [name for name in answer.headers if name.startswith("access-control")]
        asked = {"origin": self.ORIGIN, "access-control-request-method": "POST"}
        answer = api.options(PREDICT, headers=asked)
        assert answer.status_code == 405
        assert not [name for name in answer.headers if name.startswith("access-control")]

    def test_an_allowed_origin_may_send_requests_and_read_responses(
        self, stub: StubModelServer, start_app: StartApp
    ) -> None:
        api = start_app(stub.url, cors={"allowed_origins": f"{self.ORIGIN},http://localhost:5173"})
        asked = {
            "origin": self.ORIGIN,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type, authorization, x-api-key",
        }
        answer = api.options(PREDICT, headers=asked)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, self.ORIGIN)
        sent = {"origin": self.ORIGIN, "content-type": "application/json"}
        answer = api.post(PREDICT, content=b"nonsense", headers=sent)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (422, self.ORIGIN)
        assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers

    def test_other_origins_are_not_allowed(self, stub: StubModelServer, start_app: StartApp) -> None:
        api = start_app(stub.url, cors={"allowed_origins": self.ORIGIN})
        for origin in ("https://evil.example", "null", f"{self.ORIGIN}.evil.example", "http://www.example.com"):
            answer = api.get("/livez", headers={"origin": origin})
            assert "access-control-allow-origin" not in answer.headers


def seen_behind(address: str, stub: StubModelServer, **server: Any) -> tuple[str, str]:
    """Return the client address and the scheme that the application sees when `address` forwards a request."""
    app = create_app(settings_for(stub.url, server=server))

    @app.get("/seen")
    async def seen(request: Request) -> list[str]:
        assert request.client is not None
        return [request.client.host, request.url.scheme]

    forwarded = {"x-forwarded-for": "203.0.113.9, 10.1.2.3", "x-forwarded-proto": "https"}
    with client_of(app, client=(address, 4711)) as client:
        client_address, scheme = client.get("/seen", headers=forwarded).json()
    return client_address, scheme


class TestProxies:
    def test_forwarded_headers_are_ignored_by_default(self, stub: StubModelServer) -> None:
        assert seen_behind("10.0.0.1", stub) == ("10.0.0.1", "http")
        assert seen_behind("10.0.0.1", stub, trusted_proxies="10.0.0.2") == ("10.0.0.1", "http")

    def test_forwarded_headers_of_a_trusted_proxy_are_used(self, stub: StubModelServer) -> None:
        assert seen_behind("10.0.0.1", stub, trusted_proxies="10.0.0.1") == ("10.1.2.3", "https")
        assert seen_behind("10.0.0.1", stub, trusted_proxies="10.0.0.0/8") == ("203.0.113.9", "https")


class TestPages:
    @pytest.mark.parametrize("path", PAGES)
    def test_documentation_pages_run_only_own_scripts_and_cannot_be_framed(self, api: TestClient, path: str) -> None:
        answer = api.get(path)
        assert answer.status_code == 200
        policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe-inline" not in policy["script-src"]
        assert "unsafe-eval" not in policy["script-src"]
        assert not re.search(r"https?:|\*", answer.headers["content-security-policy"])
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"

    @pytest.mark.parametrize("path", ["/docs/assets/swagger-ui.css", "/docs/assets/redoc.standalone.js", "/nowhere"])
    def test_other_responses_cannot_be_sniffed_as_html(self, api: TestClient, path: str) -> None:
        assert api.get(path).headers["x-content-type-options"] == "nosniff"

    def test_documentation_pages_can_be_disabled(self, stub: StubModelServer, start_app: StartApp) -> None:
        api = start_app(stub.url, docs={"enabled": False})
        for path in (*PAGES, "/openapi.json", "/docs/assets/swagger-ui.css"):
            assert api.get(path).status_code == 404
        assert not {"docs", "reference", "openapi"} & set(api.get("/").json()["links"])
        assert api.post(PREDICT, content=house_bytes()).status_code == 200


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ORCHESTRATOR_SERVER__TRUSTED_PROXIES", "*"),
        ("ORCHESTRATOR_SERVER__TRUSTED_PROXIES", "10.0.0.1/8"),
        ("ORCHESTRATOR_SERVER__TRUSTED_PROXIES", "proxy.example.com"),
        ("ORCHESTRATOR_SERVER__TRUSTED_HOSTS", "*"),
        ("ORCHESTRATOR_SERVER__TRUSTED_HOSTS", "https://prices.example.com"),
        ("ORCHESTRATOR_SERVER__TRUSTED_HOSTS", "prices.*.example.com"),
        ("ORCHESTRATOR_SERVER__TRUSTED_HOSTS", "prices.example.com:80"),
        ("ORCHESTRATOR_SERVER__MAX_CONNECTIONS", "0"),
        ("ORCHESTRATOR_SERVER__KEEP_ALIVE_SECONDS", "0"),
        ("ORCHESTRATOR_SERVER__CLIENT_TIMEOUT_SECONDS", "inf"),
        ("ORCHESTRATOR_SERVER__STOP_NOTICE_SECONDS", "-1"),
        ("ORCHESTRATOR_CORS__ALLOWED_ORIGINS", "www.example.com"),
        ("ORCHESTRATOR_CORS__ALLOWED_ORIGINS", "https://www.example.com/"),
        ("ORCHESTRATOR_CORS__ALLOWED_ORIGINS", "https://a.example,,"),
        ("ORCHESTRATOR_DOCS__ENABLED", "perhaps"),
    ],
)
def test_an_invalid_setting_is_rejected_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings, match=re.escape(variable)):
        load_settings()


@pytest.mark.parametrize("group", ["SERVER__TRUSTED_PROXIES", "SERVER__TRUSTED_HOSTS", "CORS__ALLOWED_ORIGINS"])
def test_an_empty_list_setting_means_none(monkeypatch: pytest.MonkeyPatch, group: str) -> None:
    monkeypatch.setenv(f"ORCHESTRATOR_{group}", "")
    settings = load_settings()
    assert settings.server.trusted_proxies == settings.server.trusted_hosts == settings.cors.allowed_origins == ()
