"""Knows callers by their API keys, as the file of keys says at the moment."""

import asyncio
import hmac
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from housing_price_orchestrator.provider.access.key_file import (
    KEY_START,
    PREFIX_DIGITS,
    KeyFileUnusable,
    digest_of,
    read_keys,
)
from housing_price_orchestrator.provider.file_watch import FileWatch
from housing_price_orchestrator.shared.access import Caller

SECONDS_BETWEEN_LOOKS = 0.5
"""A key that is created or revoked is known so much later."""

_PREFIX = slice(len(KEY_START), len(KEY_START) + PREFIX_DIGITS)


@dataclass(frozen=True, slots=True)
class _Known:
    digest: bytes
    expires_at: float
    caller: Caller


class Keyring:
    """The keys that are good now. An `Authenticator`.

    One hash and one comparison per request; nothing is remembered that could outlive a key.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Read the file at `path`; `clock` tells seconds since 1970.

        Raises:
            KeyFileUnusable: it cannot be used.
        """
        self._path = path
        self._clock = clock
        self._log = structlog.get_logger()
        self._error: str | None = None
        self._watch = FileWatch(path, self._read)
        self._known = self._read()

    async def caller_of(self, credential: str) -> Caller | None:
        """Find out whose key it is; None where it is no key, unknown, revoked or expired."""
        known = self._known.get(credential[_PREFIX])
        if known is None or not hmac.compare_digest(known.digest, digest_of(credential)):
            return None
        return known.caller if self._clock() < known.expires_at else None

    async def keep_reading(self, interval_seconds: float = SECONDS_BETWEEN_LOOKS) -> None:
        """Take up every change of the file, until cancelled. The file is looked at in a thread: it may be far away."""
        while True:
            await asyncio.sleep(interval_seconds)
            await self.look()

    async def look(self) -> None:
        """Take up a change of the file, if there is one. Where it cannot be used, the last good keys stay good."""
        try:
            known = await asyncio.to_thread(self._watch.changed, is_retry=self._error is not None)
        except KeyFileUnusable as error:
            if str(error) != self._error:
                self._error = str(error)
                self._log.error("the keys stay as they were: their file cannot be used", error=self._error)
            return
        if known is not None:
            self._known = known
            self._error = None
            self._log.info("keys read", path=str(self._path), good=len(known))

    def _read(self) -> Mapping[str, _Known]:
        return {
            key.prefix: _Known(
                digest=bytes.fromhex(key.sha256),
                expires_at=math.inf if key.expires is None else key.expires.timestamp(),
                caller=Caller(id=key.prefix, scopes=frozenset(key.scopes)),
            )
            for key in read_keys(self._path)
            if key.revoked is None
        }
