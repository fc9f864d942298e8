"""How the service listens: sockets, TLS, CORS and the documentation pages."""

import ipaddress
import os
import ssl
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode

from housing_price_orchestrator.settings.base import Group, Seconds, split_list, variable_name


def _check_network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError as error:
        raise ValueError(f"{error}; use an address such as 10.0.0.7 or a network such as 10.0.0.0/8") from error


type Network = Annotated[str, AfterValidator(_check_network)]
type HostPattern = Annotated[str, Field(pattern=r"^(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$|^\[[0-9A-Fa-f:.]+\]$")]
type Origin = Annotated[
    str, Field(pattern=r"^(\*|https?://[A-Za-z0-9_.-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?)$")
]


class ServerSettings(Group):
    """The listening socket, its connections and the proxies in front."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port to listen on; 0 lets the operating system choose a free one."""

    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Number of worker processes. More workers help only on machines with idle cores."""
    max_connections: Annotated[int, Field(ge=1, le=100_000)] = 4096
    """Maximum open connections per worker; further connections get 503."""
    client_timeout_seconds: Seconds = 8.0
    """Timeout for a client to send the request head, complete a TLS handshake or read a part of the response."""
    keep_alive_seconds: Annotated[int, Field(ge=1, le=3600)] = 8
    """How long an idle connection stays open. Must be longer than the idle timeout of a proxy in front."""
    stop_notice_seconds: Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)] = 1.0
    """How long requests are still accepted after SIGTERM while `/readyz` returns 503, so that proxies can move away."""
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(split_list)] = ()
    """Proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted: comma-separated addresses or networks."""
    trusted_hosts: Annotated[tuple[HostPattern, ...], NoDecode, BeforeValidator(split_list)] = ()
    """Accepted values of the `Host` header, such as `prices.example.com,*.example.net`; empty accepts any."""


class TLSSettings(Group):
    """The certificate, for deployments without a proxy that terminates TLS."""

    cert_file: Path | None = None
    """PEM file with the certificate and its chain. Turns on TLS (1.2 or later) on the port."""
    key_file: Path | None = None
    """PEM file with the certificate's private key, unencrypted."""

    @model_validator(mode="after")
    def _check_certificate_and_key(self) -> Self:
        if self.cert_file is None and self.key_file is None:
            return self
        paths = {variable_name(("tls", name)): getattr(self, name) for name in ("cert_file", "key_file")}
        for variable, path in paths.items():
            if path is None:
                raise ValueError(f"{variable} is missing: TLS needs both a certificate and its key")
            if not path.is_file() or not os.access(path, os.R_OK):
                raise ValueError(f"{variable}={path}: file not found or not readable")
        try:
            # Without a password argument, OpenSSL would prompt for one on the terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(str(self.cert_file), self.key_file, "")
        except (OSError, ValueError) as error:
            files = " and ".join(f"{variable}={path}" for variable, path in paths.items())
            raise ValueError(f"{files}: not a certificate with its unencrypted private key: {error}") from error
        return self


class CORSSettings(Group):
    """Cross-origin requests from browsers."""

    allowed_origins: Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(split_list)] = ()
    """Origins whose pages may call this API: comma-separated, such as `https://www.example.com`; `*` allows all."""


class DocsSettings(Group):
    """The API documentation."""

    enabled: bool = True
    """Whether to serve `/docs`, `/redoc` and `/openapi.json`."""
