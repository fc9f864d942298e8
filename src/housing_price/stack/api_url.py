"""The URL of the API, as the orchestrator's own settings determine it, and whether a key is needed."""

import os
from typing import Final

from housing_price.processes.ports import Address

_PREFIX: Final = "ORCHESTRATOR_"


def url_for_checks(api: Address) -> str:
    """Return the URL for the runner's own checks: at `/livez` and `/readyz` every host is served, without a key."""
    return _with_scheme(api.url)


def public_url(api: Address) -> str:
    """Return a URL under a host that the API serves."""
    names = _trusted_names()
    # Without authentication, the API serves its own address besides the trusted hosts.
    if is_open() or not names or api.url_host in names:
        return _with_scheme(api.url)
    return _with_scheme(f"http://{names[0]}:{api.port}")


def certificate_file() -> str | None:
    """Return the certificate with which the API serves TLS; None without TLS."""
    return os.environ.get(f"{_PREFIX}TLS__CERT_FILE") or None


def is_open() -> bool:
    """Return whether the API requires no credentials."""
    return not any(os.environ.get(f"{_PREFIX}{name}") for name in ("AUTH__KEYS_FILE", "JWT__JWKS_URL"))


def _with_scheme(url: str) -> str:
    return url.replace("http", "https", 1) if certificate_file() else url


def _trusted_names() -> list[str]:
    """List the trusted hosts that stand for one host: no wildcards, no networks."""
    hosts = (host.strip() for host in os.environ.get(f"{_PREFIX}SERVER__TRUSTED_HOSTS", "").split(","))
    return [f"[{host.strip('[]')}]" if ":" in host else host for host in hosts if host and not {"*", "/"} & set(host)]
