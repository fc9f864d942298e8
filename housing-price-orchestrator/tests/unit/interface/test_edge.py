"""What stands around the application where it is asked for: hosts, proxies, other sites; and the pages of ours."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from factories import house_bytes, settings_for
from housing_price_orchestrator.app import create_app
from housing_price_orchestrator.settings import InvalidSettings, load_settings
from servers import StubModelServer

PREDICT = "/api/v1/price/predict"
PAGES = ["/docs", "/redoc"]

type StartApp = Callable[..., TestClient]


class TestHosts:
    @pytest.mark.parametrize("host", ["prices.example.com", "PRICES.example.com:8443", "a.b.example.net", "[::1]:80"])
    def test_a_name_of_ours_is_served(self, stub: StubModelServer, start_app: StartApp, host: str) -> None:
        api = start_app(stub.url, server={"trusted_hosts": "prices.example.com, *.example.net,[::1]"})
        assert api.post(PREDICT, content=house_bytes(), headers={"host": host}).status_code == 200

    @pytest.mark.parametrize(
        "host",
        ["example.com", "prices.example.com.evil.org", "evil.org", "example.net", "", "prices.example.com:x", "@"],
    )
    def test_another_name_is_refused(self, stub: StubModelServer, start_app: StartApp, host: str) -> None:
        api = start_app(stub.url, server={"trusted_hosts": "prices.example.com,*.example.net"})
        answer = api.post(PREDICT, content=house_bytes(), headers={"host": host})
        assert answer.status_code == 400
        assert answer.json()["type"] == "urn:housing-price:problem:host-not-served"
        assert answer.json()["requestId"] == answer.headers["x-request-id"]

    def test_two_names_are_one_too_many(self, stub: StubModelServer, start_app: StartApp) -> None:
        api = start_app(stub.url, server={"trusted_hosts": "prices.example.com"})
        headers = [("host", "prices.example.com"), ("host", "prices.example.com")]
        assert api.get("/livez", headers=headers).status_code == 400

    def test_any_name_is_served_where_none_is_configured(self, api: TestClient) -> None:
        assert api.get("/livez", headers={"host": "anything.example"}).status_code == 200


class TestOtherSites:
    ORIGIN = "https://www.example.com"

    def test_no_page_of_another_site_may_read_anything_unless_it_is_configured(self, api: TestClient) -> None:
        answer = api.get("/livez", headers={"origin": self.ORIGIN})
        assert not [name for name in answer.headers if name.startswith("access-control")]
        asked = {"origin": self.ORIGIN, "access-control-request-method": "POST"}
        answer = api.options(PREDICT, headers=asked)
        assert answer.status_code == 405
        assert not [name for name in answer.headers if name.startswith("access-control")]

    def test_a_configured_origin_may_send_and_read(self, stub: StubModelServer, start_app: StartApp) -> None:
        api = start_app(stub.url, cors={"allowed_origins": f"{self.ORIGIN},http://localhost:5173"})
        asked = {
            "origin": self.ORIGIN,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type, authorization, x-api-key",
        }
        answer = api.options(PREDICT, headers=asked)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, self.ORIGIN)
        answer = api.post(PREDICT, content=b"nonsense", headers={"origin": self.ORIGIN})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (422, self.ORIGIN)
        assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers

    def test_others_may_not(self, stub: StubModelServer, start_app: StartApp) -> None:
        api = start_app(stub.url, cors={"allowed_origins": self.ORIGIN})
        for origin in ("https://evil.example", "null", f"{self.ORIGIN}.evil.example", "http://www.example.com"):
            answer = api.get("/livez", headers={"origin": origin})
            assert "access-control-allow-origin" not in answer.headers


def seen_behind(address: str, stub: StubModelServer, **server: Any) -> tuple[str, str]:
    """The client's address and the scheme that the application sees when `address` hands a request on."""
    app = create_app(settings_for(stub.url, server=server))

    @app.get("/seen")
    async def seen(request: Request) -> list[str]:
        assert request.client is not None
        return [request.client.host, request.url.scheme]

    forwarded = {"x-forwarded-for": "203.0.113.9, 10.1.2.3", "x-forwarded-proto": "https"}
    with TestClient(app, client=(address, 4711)) as client:
        client_address, scheme = client.get("/seen", headers=forwarded).json()
    return client_address, scheme


class TestProxies:
    def test_nobody_is_believed_who_is_not_configured(self, stub: StubModelServer) -> None:
        assert seen_behind("10.0.0.1", stub) == ("10.0.0.1", "http")
        assert seen_behind("10.0.0.1", stub, trusted_proxies="10.0.0.2") == ("10.0.0.1", "http")

    def test_a_configured_proxy_is_believed_as_far_as_it_can_know(self, stub: StubModelServer) -> None:
        assert seen_behind("10.0.0.1", stub, trusted_proxies="10.0.0.1") == ("10.1.2.3", "https")
        assert seen_behind("10.0.0.1", stub, trusted_proxies="10.0.0.0/8") == ("203.0.113.9", "https")


class TestPages:
    @pytest.mark.parametrize("path", PAGES)
    def test_a_page_may_run_what_is_ours_and_stand_in_no_other(self, api: TestClient, path: str) -> None:
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
    def test_what_is_no_page_is_not_taken_for_one(self, api: TestClient, path: str) -> None:
        assert api.get(path).headers["x-content-type-options"] == "nosniff"

    def test_they_can_be_closed(self, stub: StubModelServer, start_app: StartApp) -> None:
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
def test_a_bad_value_is_refused_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings, match=re.escape(variable)):
        load_settings()


@pytest.mark.parametrize("group", ["SERVER__TRUSTED_PROXIES", "SERVER__TRUSTED_HOSTS", "CORS__ALLOWED_ORIGINS"])
def test_an_empty_list_is_none(monkeypatch: pytest.MonkeyPatch, group: str) -> None:
    monkeypatch.setenv(f"ORCHESTRATOR_{group}", "")
    settings = load_settings()
    assert settings.server.trusted_proxies == settings.server.trusted_hosts == settings.cors.allowed_origins == ()
