"""The file that says which model servers answer, and its changes."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
from pydantic import ValidationError

from housing_price_orchestrator.provider.file_watch import FileWatch
from housing_price_orchestrator.shared.view.routes import Routes

SECONDS_BETWEEN_LOOKS = 0.5
"""A change is known so much later."""

MAX_BYTES = 1024 * 1024
"""A file beyond this is not read: routes take a kilobyte."""


class RoutesUnusable(Exception):
    """The file is not there, or does not hold routes; the text says why."""


class RoutesFile:
    """The last good routes that stood in the file.

    Whoever writes it puts a new file into its place. What cannot be used changes nothing, and is logged once.
    """

    def __init__(self, path: Path) -> None:
        """Read the file at `path`; where it cannot be used there are no routes yet."""
        self._path = path
        self._log = structlog.get_logger()
        self._error: str | None = None
        self._routes: Routes | None = None
        self._watch = FileWatch(path, self._read)
        try:
            self._routes = self._read()
        except RoutesUnusable as error:
            self._is_unusable(error)

    @property
    def routes(self) -> Routes | None:
        """The last good ones; None where there were none yet."""
        return self._routes

    @property
    def error(self) -> str | None:
        """Why the file cannot be used as it is now; None where it can."""
        return self._error

    async def keep_reading(
        self, changed: Callable[[Routes], Awaitable[None]], interval_seconds: float = SECONDS_BETWEEN_LOOKS
    ) -> None:
        """Tell each change to `changed`, until cancelled. The file is looked at in a thread: it may be far away."""
        while True:
            await asyncio.sleep(interval_seconds)
            routes = await self.look()
            if routes is not None:
                await changed(routes)

    async def look(self) -> Routes | None:
        """Take up a change of the file, if there is one; None where the routes stay as they were."""
        try:
            routes = await asyncio.to_thread(self._watch.changed, is_retry=self._error is not None)
        except RoutesUnusable as error:
            self._is_unusable(error)
            return None
        if routes is None:
            return None
        self._error = None
        if routes == self._routes:
            return None
        self._routes = routes
        return routes

    def _is_unusable(self, error: RoutesUnusable) -> None:
        if str(error) != self._error:
            self._error = str(error)
            if self._routes is None:
                # Whoever is started first is not at fault.
                self._log.warning("no routes yet: their file cannot be used", error=self._error)
            else:
                self._log.error("the routes stay as they were: their file cannot be used", error=self._error)

    def _read(self) -> Routes:
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise RoutesUnusable(f"{self._path}: {error.strerror or error}") from error
        if len(content) > MAX_BYTES:
            raise RoutesUnusable(f"{self._path}: larger than {MAX_BYTES} bytes")
        try:
            return Routes.model_validate_json(content)
        except ValidationError as error:
            # Where and what, without the values: an address may hold a password.
            findings = error.errors(include_url=False, include_input=False)
            said = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'document'}: {one['msg']}" for one in findings[:5])
            raise RoutesUnusable(f"{self._path}: {said}") from error
