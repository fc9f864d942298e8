"""Which hosts are served, with and without authentication."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from conftest import StartApp
from factories import bearer, client_of, new_key, settings_for
from housing_price_orchestrator.app import create_app
from housing_price_orchestrator.interface.edge.hosts import MAX_HOST_BYTES, ServedHosts
from housing_price_orchestrator.settings.server import ServerSettings
from servers import StubModelServer

REBOUND = {"host": "evil.example"}
MONITORING = ["/livez", "/readyz", "/metrics"]
PATHS = ["/", "/docs", "/redoc", "/openapi.json", "/docs/assets/swagger-ui.css", "/api/v1/predictions", "/nowhere"]


@pytest.fixture(scope="module")
def api() -> Iterator[TestClient]:
    """One application for the tests of refused hosts."""
    with StubModelServer() as stub, client_of(create_app(settings_for(stub.url))) as client:
        yield client


def served(patterns: str, **options: bool) -> ServedHosts:
    return ServedHosts(ServerSettings.model_validate({"trusted_hosts": patterns}).trusted_hosts, **options)


@pytest.mark.parametrize(
    ("patterns", "host"),
    [
        ("prices.example.com", "prices.example.com"),
        ("prices.example.com", "PRICES.Example.COM:8443"),
        ("Prices.Example.com", "prices.example.com"),
        ("prices.example.com", "prices.example.com."),
        ("prices.example.com", "prices.example.com.:80"),
        ("*.example.com", "a.example.com"),
        ("*.Example.com", "a.b.EXAMPLE.com:1"),
        ("*.svc.cluster.local", "orchestrator.prices.svc.cluster.local:8000"),
        ("10.0.0.0/8", "10.244.1.17:8000"),
        ("10.0.0.0/8", "[::ffff:10.1.2.3]"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3/32", "10.1.2.3:80"),
        ("fd00::/8", "[fd12:3456::1]:8000"),
        ("2001:db8::1", "[2001:DB8:0:0::1]"),
        ("[2001:db8::1]", "[2001:db8::1]:80"),
        ("a,10.0.0.0/8 , *.b", "x.b"),
        ("0.0.0.0/0", "192.0.2.1"),
    ],
)
def test_a_listed_host_is_served(patterns: str, host: str) -> None:
    assert host.encode() in served(patterns)


@pytest.mark.parametrize(
    ("patterns", "host"),
    [
        ("prices.example.com", "example.com"),
        ("prices.example.com", "evil-prices.example.com"),
        ("prices.example.com", "prices.example.com.evil.example"),
        ("prices.example.com", "prices.example.com:x"),
        ("prices.example.com", "prices.example.com:80:80"),
        ("prices.example.com", "prices.example.com@evil.example"),
        ("prices.example.com", ""),
        ("*.example.com", "example.com"),
        ("*.example.com", ".example.com.evil.example"),
        ("*.example.com", "aexample.com"),
        ("10.0.0.0/8", "11.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1.evil.example"),
        ("10.0.0.0/8", "10.1"),
        ("10.0.0.0/8", "0x0a000001"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.0/8", "[fd00::1]"),
        ("fd00::/8", "fd00::1"),
        ("::/0", "10.0.0.1"),
        ("0.0.0.0/0", "evil.example"),
        ("localhost", "127.0.0.1"),
        ("a", "a" * (MAX_HOST_BYTES + 1)),
    ],
)
def test_any_other_host_is_not_served(patterns: str, host: str) -> None:
    assert host.encode() not in served(patterns)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8000", "localhost.", "127.0.0.1", "127.8.8.8:1", "[::1]:8000", "[::ffff:127.0.0.1]"],
)
def test_loopback_names_are_served_only_if_included(host: str) -> None:
    assert host.encode() in served("prices.example.com", includes_loopback=True)
    assert host.encode() not in served("prices.example.com")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "[::]",
        "127.1",
        "2130706433",
        "ip6-localhost",
    ],
)
def test_other_names_are_not_loopback(host: str) -> None:
    assert host.encode() not in served("", includes_loopback=True)


@pytest.mark.parametrize("path", PATHS)
def test_without_authentication_a_rebound_host_reads_nothing(api: TestClient, path: str) -> None:
    answer = api.get(path, headers=REBOUND)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:housing-price:problem:host-not-served"
    assert "`ORCHESTRATOR_SERVER__TRUSTED_HOSTS`" in answer.json()["detail"]


@pytest.mark.parametrize("path", MONITORING)
@pytest.mark.parametrize("host", ["evil.example", "10.244.0.5:8000", ""])
def test_monitoring_is_served_for_every_host(api: TestClient, path: str, host: str) -> None:
    assert api.get(path, headers={"host": host}).status_code in {200, 503}
    assert api.get(f"{path}/", headers={"host": host}).status_code == 400


@pytest.mark.parametrize(
    ("listens_on", "host", "status"),
    [
        ("192.168.1.7", "192.168.1.7:8000", 200),
        ("192.168.1.7", "192.168.1.8:8000", 400),
        ("prices.lan", "prices.lan", 200),
        ("fd00::7", "[fd00::7]:8000", 200),
        ("0.0.0.0", "192.168.1.7", 400),  # noqa: S104 - not opened
        ("0.0.0.0", "0.0.0.0:8000", 400),  # noqa: S104 - not opened
        ("::", "[::]:8000", 400),
        ("0.0.0.0", "localhost:8000", 200),  # noqa: S104 - not opened
    ],
)
def test_without_authentication_the_address_to_listen_on_is_served(
    stub: StubModelServer, start_app: StartApp, listens_on: str, host: str, status: int
) -> None:
    api = start_app(stub.url, server={"host": listens_on}, auth={"required": False})
    assert api.get("/", headers={"host": host}).status_code == status


def test_without_authentication_listed_hosts_are_served_besides_loopback(
    stub: StubModelServer, start_app: StartApp
) -> None:
    api = start_app(stub.url, server={"trusted_hosts": "prices.example.com"})
    statuses = [api.get("/", headers={"host": host}).status_code for host in ("prices.example.com", "localhost", "x")]
    assert statuses == [200, 200, 400]


@pytest.mark.parametrize(("trusted", "statuses"), [("", [200, 200]), ("prices.example.com", [200, 400])])
def test_with_authentication_only_a_list_restricts_the_hosts(
    stub: StubModelServer, start_app: StartApp, tmp_path: Path, trusted: str, statuses: list[int]
) -> None:
    key = new_key(tmp_path / "keys.json", "predict", "admin")
    groups: dict[str, Any] = {"auth": {"keys_file": tmp_path / "keys.json"}, "server": {"trusted_hosts": trusted}}
    api = start_app(stub.url, **groups)
    hosts = ("prices.example.com", "evil.example")
    assert [api.get("/api/v1/models", headers=bearer(key) | {"host": host}).status_code for host in hosts] == statuses
