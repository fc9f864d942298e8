"""Composes authentication and rate limits. Part of the composition root (`app.py`)."""

import contextlib
from collections.abc import AsyncIterator

import httpx
from pydantic import RedisDsn

from housing_price_orchestrator.composition.tasks import run_until_closed
from housing_price_orchestrator.provider.access.json_web_keys import JsonWebKeys, ProxyUnusable, client_for_keys
from housing_price_orchestrator.provider.access.key_file import KeyFileUnusable
from housing_price_orchestrator.provider.access.keyring import Keyring
from housing_price_orchestrator.provider.access.memory_rate_limiter import MemoryRateLimiter
from housing_price_orchestrator.provider.access.token_scopes import TokenScopes
from housing_price_orchestrator.provider.access.tokens import TokenAuthenticator
from housing_price_orchestrator.service.access import Access
from housing_price_orchestrator.settings import PREFIX, InvalidSettings, Settings
from housing_price_orchestrator.shared.access import Authenticator
from housing_price_orchestrator.shared.quota import Rate, RateLimiter


def _client_for(url: str) -> httpx.AsyncClient:
    try:
        return client_for_keys(url)
    except ProxyUnusable as error:
        raise InvalidSettings(f"HTTPS_PROXY or ALL_PROXY: the proxy for {PREFIX}JWT__JWKS_URL is unusable") from error


class ComposedAccess:
    """Authentication and rate limits, if configured, with their background tasks."""

    def __init__(self, settings: Settings) -> None:
        """Compose authentication and rate limits from `settings`.

        Raises:
            InvalidSettings: the key file cannot be used, or the Redis client is not installed.
        """
        authenticators: list[Authenticator] = []
        self._keyring = self._web_keys = None
        if settings.auth.keys_file is not None:
            try:
                self._keyring = Keyring(settings.auth.keys_file)
            except KeyFileUnusable as error:
                raise InvalidSettings(f"{PREFIX}AUTH__KEYS_FILE: {error}") from error
            authenticators.append(self._keyring)
        token = settings.jwt
        if token.jwks_url is not None and token.issuer is not None and token.audience is not None:
            self._web_keys = JsonWebKeys(str(token.jwks_url), client=_client_for(str(token.jwks_url)))
            scopes = TokenScopes(token.scope_claims, token.scope_mapping)
            authenticators.append(
                TokenAuthenticator(self._web_keys, issuer=token.issuer, audience=token.audience, scopes=scopes)
            )
        self._limiters: list[contextlib.AbstractAsyncContextManager[object]] = []
        rates = settings.rate_limit
        per_caller = self._limiter(rates.requests, "caller", rates.storage_url)
        per_address = self._limiter(rates.requests_per_address, "address", rates.storage_url)
        is_off = not authenticators and per_caller is None and per_address is None
        self.access = None if is_off else Access(authenticators, per_caller=per_caller, per_address=per_address)
        """None if authentication and rate limits are off."""

    def _limiter(self, rate: Rate | None, name: str, storage: RedisDsn | None) -> RateLimiter | None:
        if rate is None:
            return None
        in_memory = MemoryRateLimiter(rate)
        if storage is None:
            return in_memory
        # Imported here because it takes 0.3 s to load and needs an optional package.
        try:
            from housing_price_orchestrator.provider.access.redis_rate_limiter import RedisRateLimiter  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise InvalidSettings(
                f"{PREFIX}RATE_LIMIT__STORAGE_URL needs the extra `redis` (housing-price-orchestrator[redis])"
            ) from error
        limiter = RedisRateLimiter(rate, url=str(storage), name=name, fallback=in_memory)
        self._limiters.append(limiter)
        return limiter

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch the key file and keep the connections to the identity provider and Redis open inside this context."""
        async with contextlib.AsyncExitStack() as stack:
            if self._web_keys is not None:
                await stack.enter_async_context(self._web_keys)
            for limiter in self._limiters:
                await stack.enter_async_context(limiter)
            if self._keyring is not None:
                run_until_closed(self._keyring.watch(), stack)
            yield
