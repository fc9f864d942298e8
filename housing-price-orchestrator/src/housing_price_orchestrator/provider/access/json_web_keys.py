"""Fetches and caches the public keys that verify an identity provider's tokens (JWKS, RFC 7517)."""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

import httpx
import jwt
import orjson
import structlog

from housing_price_orchestrator.shared.errors import IdentityProviderUnavailable
from housing_price_orchestrator.shared.tasks import cancel_and_wait

MAX_DOCUMENT_BYTES: Final = 256 * 1024
"""Size limit of a key set. Providers publish a few keys of about 2 kB each."""
MAX_KEYS: Final = 100
TIMEOUT_SECONDS: Final = 3.0
REFRESH_SECONDS: Final = 300.0
"""Age after which keys are refreshed in the background: the default of PyJWT's client, and common provider advice."""
MIN_FETCH_INTERVAL_SECONDS: Final = 5.0
"""Minimum interval between fetches: anyone can send tokens that name unknown keys, and each would cause a fetch."""
MAX_KEY_AGE_SECONDS: Final = 24 * 3600.0
"""Maximum age of keys while the provider is unavailable, so that a withdrawn key stops working eventually."""


class ProxyUnusable(ValueError):
    """The proxy in the environment has no valid address, or is of an unsupported kind."""


class JsonWebKeys:
    """The cached keys of one identity provider.

    Opened and closed by the application's lifespan. Fetches only when a token needs it, one fetch at a time.
    """

    def __init__(self, url: str, *, client: httpx.AsyncClient, clock: Callable[[], float] = time.monotonic) -> None:
        """Fetch from `url` with `client`, which is closed together with this object."""
        self._url = url
        self._client = client
        self._clock = clock
        self._log = structlog.get_logger()
        self._keys: Mapping[str | None, jwt.PyJWK] = {}
        self._is_known = False
        self._fetched_at = -MAX_KEY_AGE_SECONDS
        self._attempted_at = -MIN_FETCH_INTERVAL_SECONDS
        self._fetching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Open the client."""
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cancel a running fetch and close the client."""
        if self._fetching is not None:
            await cancel_and_wait(self._fetching)
        await self._client.__aexit__(kind, error, trace)

    @property
    def keys(self) -> Mapping[str | None, jwt.PyJWK]:
        """The cached keys; a new mapping after each successful fetch."""
        return self._keys

    def refresh_if_stale(self) -> None:
        """Start a background refresh if the keys are due for one; drop keys that are too old."""
        age = self._clock() - self._fetched_at
        if age >= MAX_KEY_AGE_SECONDS and self._is_known:
            self._keys, self._is_known = {}, False
        if age >= REFRESH_SECONDS:
            self._start_fetch()

    async def key(self, key_id: str | None) -> jwt.PyJWK | None:
        """Return the key with this id (`kid`), or None if the provider has no such key; None as id means its only key.

        Raises:
            IdentityProviderUnavailable: the key set is unknown and cannot be fetched.
        """
        self.refresh_if_stale()
        if self._cached(key_id) is None:
            self._start_fetch()
            if self._fetching is not None:
                # Other callers wait for the same fetch, so cancelling this one must not cancel it.
                await asyncio.shield(self._fetching)
        if not self._is_known:
            raise IdentityProviderUnavailable
        return self._cached(key_id)

    def _cached(self, key_id: str | None) -> jwt.PyJWK | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    def _start_fetch(self) -> None:
        if self._fetching is None and self._clock() - self._attempted_at >= MIN_FETCH_INTERVAL_SECONDS:
            self._attempted_at = self._clock()
            self._fetching = asyncio.create_task(self._fetch())

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                keys = _usable_keys(await self._download())
        except Exception as error:  # noqa: BLE001 - no provider response may break the cached keys
            reason = f"{type(error).__name__}: {error}"
            self._log.error("identity provider: fetching the keys failed", url=self._url, error=reason)
        else:
            self._keys, self._is_known = keys, True
            self._fetched_at = self._clock()
        finally:
            self._fetching = None

    async def _download(self) -> Any:
        content = bytearray()
        async with self._client.stream("GET", self._url) as response:
            if response.status_code != httpx.codes.OK:
                raise ValueError(f"the response status is {response.status_code}")
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > MAX_DOCUMENT_BYTES:
                    raise ValueError(f"the response is larger than {MAX_DOCUMENT_BYTES} bytes")
        return orjson.loads(content)


def _usable_keys(document: Any) -> Mapping[str | None, jwt.PyJWK]:
    """Return the public signature keys of a key set, by key id.

    A set without such keys is valid: the provider has withdrawn all. Keys that cannot be read make a set invalid if
    it has no others.
    """
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list) or len(members) > MAX_KEYS:
        raise ValueError(f"not a JSON Web Key Set of at most {MAX_KEYS} keys")
    # Never accept a symmetric key: everyone who reads this public document could sign tokens with it.
    public = [member for member in members if isinstance(member, dict) and member.get("kty") in {"RSA", "EC", "OKP"}]
    keys = jwt.PyJWKSet(public) if public else ()
    return {key.key_id: key for key in keys if key.public_key_use in {None, "sig"}}


def client_for_keys(url: str) -> httpx.AsyncClient:
    """Make the HTTP client: no redirects, certificates checked against the system's authorities.

    `https` goes through the proxy of `HTTPS_PROXY`, except for the hosts in `NO_PROXY`; plain http is loopback only.

    Raises:
        ProxyUnusable: the environment names a proxy that the client cannot use.
    """
    try:
        return _client(trust_env=url.startswith("https:"))
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise ProxyUnusable from error


def _client(*, trust_env: bool) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=ssl.create_default_context(),
        trust_env=trust_env,
        follow_redirects=False,
        timeout=TIMEOUT_SECONDS,
        headers={"accept": "application/json", "accept-encoding": "identity"},
    )
