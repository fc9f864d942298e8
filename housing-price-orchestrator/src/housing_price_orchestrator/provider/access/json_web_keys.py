"""The public keys with which an identity provider's tokens are checked (JWKS, RFC 7517), fetched and kept."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import httpx
import jwt
import orjson
import structlog

from housing_price_orchestrator.shared.errors import IdentityProviderUnavailable

MAX_DOCUMENT_BYTES = 256 * 1024
"""A provider publishes a handful of keys of some 2 kB."""
MAX_KEYS = 100
TIMEOUT_SECONDS = 3.0
FRESH_SECONDS = 300.0
"""So long keys are used without asking again: as long as PyJWT's own client does, and most providers advise."""
PAUSE_SECONDS = 5.0
"""The least time between two questions, whatever callers send: a token that names an unknown key is free to make."""
USABLE_SECONDS = 24 * 3600.0
"""So long keys are used while their provider is away; a key that it takes back must end some time."""


class JsonWebKeys:
    """The keys of one identity provider.

    Opened and closed by the application's lifespan. Asks only when a token needs it, one question at a time.
    """

    def __init__(self, url: str, *, client: httpx.AsyncClient, clock: Callable[[], float] = time.monotonic) -> None:
        """Fetch from `url` with `client`, which is closed together with this object."""
        self._url = url
        self._client = client
        self._clock = clock
        self._log = structlog.get_logger()
        self._keys: Mapping[str | None, jwt.PyJWK] = {}
        self._fetched_at = -USABLE_SECONDS
        self._asked_at = -PAUSE_SECONDS
        self._fetching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Open the client."""
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop asking, and close the client."""
        if self._fetching is not None:
            self._fetching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._fetching
        await self._client.__aexit__(kind, error, trace)

    @property
    def keys(self) -> Mapping[str | None, jwt.PyJWK]:
        """The keys as they are known now; another mapping after each fetch that succeeded."""
        return self._keys

    def stay_fresh(self) -> None:
        """Begin to ask again where it is time, without waiting for the answer; let go of keys that are too old."""
        age = self._clock() - self._fetched_at
        if age >= USABLE_SECONDS and self._keys:
            self._keys = {}
        if age >= FRESH_SECONDS:
            self._begin_to_ask()

    async def key(self, name: str | None) -> jwt.PyJWK | None:
        """Find the key of this name (`kid`; None stands for the only one); None where the provider has no such key.

        Raises:
            IdentityProviderUnavailable: no keys are known, and none can be had.
        """
        self.stay_fresh()
        if self._known(name) is None:
            self._begin_to_ask()
            if self._fetching is not None:
                # Others wait for the same answer, and must get it though this caller may leave.
                await asyncio.shield(self._fetching)
        if not self._keys:
            raise IdentityProviderUnavailable
        return self._known(name)

    def _known(self, name: str | None) -> jwt.PyJWK | None:
        if name is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(name)

    def _begin_to_ask(self) -> None:
        if self._fetching is None and self._clock() - self._asked_at >= PAUSE_SECONDS:
            self._asked_at = self._clock()
            self._fetching = asyncio.create_task(self._fetch())

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                keys = _usable_keys(await self._document())
        except Exception as error:  # noqa: BLE001 - whatever it publishes, the keys stay as they were
            reason = f"{type(error).__name__}: {error}"
            self._log.error("the identity provider's keys cannot be fetched", url=self._url, error=reason)
        else:
            self._keys = keys
            self._fetched_at = self._clock()
        finally:
            self._fetching = None

    async def _document(self) -> Any:
        content = bytearray()
        async with self._client.stream("GET", self._url) as answer:
            if answer.status_code != httpx.codes.OK:
                raise ValueError(f"the answer's status is {answer.status_code}")
            async for chunk in answer.aiter_raw():
                content += chunk
                if len(content) > MAX_DOCUMENT_BYTES:
                    raise ValueError(f"the answer is larger than {MAX_DOCUMENT_BYTES} bytes")
        return orjson.loads(content)


def _usable_keys(document: Any) -> Mapping[str | None, jwt.PyJWK]:
    """Take from a key set the public keys for signatures."""
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list) or len(members) > MAX_KEYS:
        raise ValueError(f"it is no set of up to {MAX_KEYS} keys")
    # A symmetric key would let whoever reads this public document sign tokens.
    public = [one for one in members if isinstance(one, dict) and one.get("kty") in {"RSA", "EC", "OKP"}]
    return {one.key_id: one for one in jwt.PyJWKSet(public) if one.public_key_use in {None, "sig"}}


def client_for_keys() -> httpx.AsyncClient:
    """Make a client that goes where it is sent and nowhere else: no proxies, no redirects, the system's authorities."""
    return httpx.AsyncClient(
        verify=ssl.create_default_context(),
        trust_env=False,
        follow_redirects=False,
        timeout=TIMEOUT_SECONDS,
        headers={"accept": "application/json", "accept-encoding": "identity"},
    )
