"""Authenticates callers by the API keys in the key file."""

import asyncio
import hmac
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from housing_price_orchestrator.provider.access.key_file import (
    KEY_MARKER,
    PREFIX_DIGITS,
    KeyFileUnusable,
    digest_of,
    read_keys,
)
from housing_price_orchestrator.provider.file_watch import FileWatch
from housing_price_orchestrator.shared.access import Caller

POLL_INTERVAL_SECONDS: Final = 0.5
"""Interval between checks of the file: the delay until a new or revoked key takes effect."""

_PREFIX: Final = slice(len(KEY_MARKER), len(KEY_MARKER) + PREFIX_DIGITS)


@dataclass(frozen=True, slots=True)
class _ValidKey:
    digest: bytes
    expires_at: float
    caller: Caller


class Keyring:
    """The valid API keys. An `Authenticator`.

    Each request costs one hash and one comparison. Nothing is cached, so a revoked key stops working at once.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Read the file at `path`; `clock` returns Unix time in seconds.

        Raises:
            KeyFileUnusable: the file cannot be used.
        """
        self._path = path
        self._clock = clock
        self._log = structlog.get_logger()
        self._error: str | None = None
        self._watch = FileWatch(path, self._read)
        self._keys = self._read()

    async def caller_of(self, credential: str) -> Caller | None:
        """Return the caller that owns a key, or None if it is malformed, unknown, revoked or expired."""
        keys = self._keys.get(credential[_PREFIX])
        if keys is None or not hmac.compare_digest(keys.digest, digest_of(credential)):
            return None
        return keys.caller if self._clock() < keys.expires_at else None

    async def watch(self, interval_seconds: float = POLL_INTERVAL_SECONDS) -> None:
        """Reload the file after each change, until cancelled."""
        while True:
            await asyncio.sleep(interval_seconds)
            await self.reload_if_changed()

    async def reload_if_changed(self) -> None:
        """Reload the file if it has changed. If it cannot be used, the last valid keys stay in effect."""
        try:
            keys = await asyncio.to_thread(self._watch.read_if_changed, is_retry=self._error is not None)
        except KeyFileUnusable as error:
            if str(error) != self._error:
                self._error = str(error)
                self._log.error("keeping the last valid keys: the key file cannot be used", error=self._error)
            return
        if keys is not None:
            self._keys = keys
            self._error = None
            self._log.info("keys loaded", path=str(self._path), valid=len(keys))

    def _read(self) -> Mapping[str, _ValidKey]:
        return {
            key.prefix: _ValidKey(
                digest=bytes.fromhex(key.sha256),
                expires_at=math.inf if key.expires is None else key.expires.timestamp(),
                caller=Caller(id=key.prefix, scopes=frozenset(key.scopes)),
            )
            for key in read_keys(self._path)
            if key.revoked is None
        }
