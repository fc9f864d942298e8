"""How the service listens: sockets, TLS, browsers of other sites and the documentation pages."""

import ipaddress
import os
import ssl
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode

from housing_price_orchestrator.settings.base import Group, Seconds, split_list, variable_name


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError as error:
        raise ValueError(f"{error}; an address or a network is written like 10.0.0.7 or 10.0.0.0/8") from error


type Network = Annotated[str, AfterValidator(_network)]
type HostPattern = Annotated[str, Field(pattern=r"^(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$|^\[[0-9A-Fa-f:.]+\]$")]
type Origin = Annotated[
    str, Field(pattern=r"^(\*|https?://[A-Za-z0-9_.-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?)$")
]


class ServerSettings(Group):
    """Where and how this service listens."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """The port to listen on; 0 lets the system choose."""

    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """How many processes answer requests; more help where there are cores to spare."""
    max_connections: Annotated[int, Field(ge=1, le=100_000)] = 4096
    """How many connections each process serves; what comes on top is told so, with 503."""
    client_timeout_seconds: Seconds = 8.0
    """How long a client may take for a request's head, for a TLS handshake, and for taking any part of its answer."""
    keep_alive_seconds: Annotated[int, Field(ge=1, le=3600)] = 8
    """How long a connection is kept for the next request: longer than a proxy in front keeps it."""
    stop_notice_seconds: Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)] = 1.0
    """How long after SIGTERM requests are still taken while `/readyz` says 503, so that proxies go elsewhere."""
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(split_list)] = ()
    """Proxies whose X-Forwarded-For and -Proto are believed: addresses or networks, separated by commas."""
    trusted_hosts: Annotated[tuple[HostPattern, ...], NoDecode, BeforeValidator(split_list)] = ()
    """The names that requests may be meant for (`Host`), such as `prices.example.com,*.example.net`; empty: any."""


class TLSSettings(Group):
    """A certificate, where no proxy in front ends TLS."""

    cert_file: Path | None = None
    """The certificate and those that it rests on, as PEM; with it, only TLS 1.2 and later is spoken."""
    key_file: Path | None = None
    """Its private key, as PEM, not encrypted."""

    @model_validator(mode="after")
    def _both_can_be_used_together(self) -> Self:
        if self.cert_file is None and self.key_file is None:
            return self
        paths = {variable_name(("tls", name)): getattr(self, name) for name in ("cert_file", "key_file")}
        for variable, path in paths.items():
            if path is None:
                raise ValueError(f"{variable} is missing: a certificate and its key belong together")
            if not path.is_file() or not os.access(path, os.R_OK):
                raise ValueError(f"{variable}={path} is no file that can be read")
        try:
            # An empty password keeps OpenSSL from asking for one on the terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(str(self.cert_file), self.key_file, "")
        except (OSError, ValueError) as error:
            both = " and ".join(f"{variable}={path}" for variable, path in paths.items())
            raise ValueError(f"{both} are no certificate and its unencrypted key: {error}") from error
        return self


class CORSSettings(Group):
    """Pages of other sites that may call this service from a browser."""

    allowed_origins: Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(split_list)] = ()
    """Their origins, such as `https://www.example.com`, separated by commas; `*` for all; empty: none."""


class DocsSettings(Group):
    """The pages that explain the API."""

    enabled: bool = True
    """Whether `/docs`, `/redoc` and `/openapi.json` are there."""
