"""The keys of an identity provider, fetched over TLS through a real proxy that the environment names."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from certificates import certificate
from fakes import FakeClock
from housing_price_orchestrator.composition.access import ComposedAccess
from housing_price_orchestrator.provider.access.json_web_keys import JsonWebKeys, ProxyUnusable, client_for_keys
from housing_price_orchestrator.settings import InvalidSettings, load_settings
from housing_price_orchestrator.shared.errors import IdentityProviderUnavailable
from servers import StubModelServer, says
from tokens import published

pytestmark = pytest.mark.anyio

HOST = "issuer.test"
"""No name server knows it: only the proxy reaches the provider."""


class Proxy:
    """An HTTP proxy for `CONNECT` that connects every host to one port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.url = ""
        self.asked: list[str] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.split(b"\r\n")[0].decode())
        to_provider, from_here = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_copy(reader, from_here), _copy(to_provider, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while block := await reader.read(65536):
            writer.write(block)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def provider(folder: Path, host: str) -> AsyncIterator[int]:
    """Serve the keys over TLS with a certificate for `host`; yields the port."""
    files = certificate(folder, host=host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.cert_file, files.key_file)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = published("rsa")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))


async def fetch(url: str) -> object:
    async with JsonWebKeys(url, client=client_for_keys(url), clock=FakeClock()) as keys:
        return await keys.key("rsa")


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
async def test_https_goes_through_the_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    async with provider(tmp_path, HOST) as port:
        proxy = Proxy(port)
        async with proxy.running():
            monkeypatch.setenv(variable, proxy.url)
            assert await fetch(f"https://{HOST}/keys") is not None
    assert proxy.asked == [f"CONNECT {HOST}:443 HTTP/1.1"]


async def test_the_certificate_of_the_provider_is_checked_behind_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with provider(tmp_path, "other.test") as port:
        proxy = Proxy(port)
        async with proxy.running():
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            with pytest.raises(IdentityProviderUnavailable):
                await fetch(f"https://{HOST}/keys")


@pytest.mark.parametrize("value", ["localhost", ".example,localhost", "*"])
async def test_hosts_in_no_proxy_are_asked_directly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    async with provider(tmp_path, "localhost") as port:
        proxy = Proxy(port)
        async with proxy.running():
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            monkeypatch.setenv("NO_PROXY", value)
            assert await fetch(f"https://localhost:{port}/keys") is not None
    assert proxy.asked == []


async def test_plain_http_on_loopback_ignores_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with StubModelServer(says(body=published("rsa"))) as server:
        assert await fetch(f"{server.url}/keys") is not None


async def test_an_unreachable_proxy_makes_authentication_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with pytest.raises(IdentityProviderUnavailable):
        await fetch(f"https://{HOST}/keys")


@pytest.mark.parametrize(
    "value", ["ftp://proxy", "socks5://127.0.0.1:1", "http://user:hunter2#@proxy:port", "http://proxy:port"]
)
async def test_an_unusable_proxy_is_named_at_the_start_without_its_password(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    url = f"https://{HOST}/keys"
    with pytest.raises(ProxyUnusable):
        client_for_keys(url)
    for name, setting in {"JWKS_URL": url, "ISSUER": "me", "AUDIENCE": "you"}.items():
        monkeypatch.setenv(f"ORCHESTRATOR_JWT__{name}", setting)
    with pytest.raises(InvalidSettings, match="HTTPS_PROXY") as refused:
        ComposedAccess(load_settings())
    assert "hunter2" not in str(refused.value)
