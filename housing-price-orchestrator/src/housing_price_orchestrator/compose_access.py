"""Puts together what knows callers and counts their requests: a part of the composition root (`app.py`)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from housing_price_orchestrator.provider.json_web_keys import JsonWebKeys, client_for_keys
from housing_price_orchestrator.provider.keyring import Keyring
from housing_price_orchestrator.provider.tokens import Tokens
from housing_price_orchestrator.service.access import Access
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.access import Authenticator


class ComposedAccess:
    """What lets callers in, if anything does, and what it needs to keep running."""

    def __init__(self, settings: Settings) -> None:
        """Compose it.

        Raises:
            KeyFileUnusable: the file of keys cannot be used.
        """
        authenticators: list[Authenticator] = []
        self._keyring = self._web_keys = None
        if settings.auth.keys_file is not None:
            self._keyring = Keyring(settings.auth.keys_file)
            authenticators.append(self._keyring)
        token = settings.jwt
        if token.jwks_url is not None and token.issuer is not None and token.audience is not None:
            self._web_keys = JsonWebKeys(str(token.jwks_url), client=client_for_keys())
            authenticators.append(Tokens(self._web_keys, issuer=token.issuer, audience=token.audience))
        self.access = Access(authenticators) if authenticators else None
        """None where nobody is asked anything."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the file of keys and be able to fetch others, until it is left."""
        async with contextlib.AsyncExitStack() as stack:
            if self._web_keys is not None:
                await stack.enter_async_context(self._web_keys)
            if self._keyring is not None:
                following = asyncio.create_task(self._keyring.keep_reading())
                stack.push_async_callback(_ended, following)
            yield


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
