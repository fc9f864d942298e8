"""The service's listening side: sockets, TLS, CORS and the documentation pages."""

import ipaddress
import os
import re
import ssl
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, HttpUrl, model_validator
from pydantic_settings import NoDecode

from housing_price_orchestrator.settings.base import Group, Seconds, split_list, variable_name
from housing_price_orchestrator.shared.path_prefix import normal_prefix
from housing_price_platform.environment.origins import normal_origin


def _check_network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError as error:
        raise ValueError(f"{error}; use an address such as 10.0.0.7 or a network such as 10.0.0.0/8") from error


type Network = Annotated[str, AfterValidator(_check_network)]
_CONTACT: Final = re.compile(
    r"https?://[A-Za-z0-9.\-\[\]:]+(/[!-~]*)?|[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
)
_HOST_NAME: Final = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def _check_host_pattern(value: str) -> str:
    if _HOST_NAME.fullmatch(value):
        return value
    try:
        return str(ipaddress.ip_network(value.removeprefix("[").removesuffix("]")))
    except ValueError as error:
        raise ValueError(
            "use a name such as prices.example.com, a wildcard such as *.example.com, an address, or a network such "
            "as 10.0.0.0/8; without scheme and port"
        ) from error


def _check_contact(value: str) -> str:
    if value and not _CONTACT.fullmatch(value):
        raise ValueError("use a URL such as https://prices.example.com/help or an address such as help@example.com")
    return value


def _check_path_prefix(value: str) -> str:
    prefix = normal_prefix(value)
    if prefix is None:
        raise ValueError("use a path such as /prices or /apps/prices, of letters, digits and . _ ~ -")
    return prefix


type HostPattern = Annotated[str, AfterValidator(_check_host_pattern)]
type PathPrefix = Annotated[str, AfterValidator(_check_path_prefix)]
type Origin = Annotated[str, AfterValidator(normal_origin)]


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
    """Time that an idle connection stays open. Must be longer than the idle timeout of a proxy in front."""
    stop_notice_seconds: Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)] = 1.0
    """Time after SIGTERM in which requests are accepted while `/readyz` returns 503, so that proxies can move away."""
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(split_list)] = ()
    """Proxies whose `X-Forwarded-` headers (`For`, `Proto`, `Host`, `Prefix`) are trusted: addresses or networks."""
    trusted_hosts: Annotated[tuple[HostPattern, ...], NoDecode, BeforeValidator(split_list)] = ()
    """Accepted `Host` headers: names, `*.example.com`, addresses, networks. Empty: any; loopback only without keys."""
    path_prefix: PathPrefix = ""
    """Path under which a proxy publishes the service, such as `/prices`; `X-Forwarded-Prefix` has precedence."""

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """The address to listen on, unless it stands for all addresses."""
        return () if self.host in {"0.0.0.0", "::", ""} else (self.host,)  # noqa: S104 - compared, not bound


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
    contact: Annotated[str, AfterValidator(_check_contact)] = ""
    """URL or e-mail address of the operator, published as the contact in the OpenAPI document."""


class PageSettings(Group):
    """The page for people."""

    enabled: bool = True
    """Whether to serve the page for people at `/`. The page needs `/openapi.json` (`DOCS__ENABLED`)."""
    grafana_url: HttpUrl | None = None
    """Address of Grafana for operators; the operations view links to it."""
