"""Reads and watches the routes file, which names the model servers in service."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import structlog
from pydantic import ValidationError

from housing_price_orchestrator.provider.file_watch import FileWatch
from housing_price_orchestrator.shared.view.routes import Routes
from housing_price_platform.files import FileTooLarge, read_if_exists
from housing_price_platform.orders.findings import describe_findings
from housing_price_survey.tabular.encoding import BYTE_ORDER_MARK

POLL_INTERVAL_SECONDS: Final = 0.5
"""Interval between checks of the file for changes."""

MAX_BYTES: Final = 1024 * 1024
"""Size limit of the file. Real routes take about 1 kB."""


class RoutesUnusable(Exception):
    """The routes file is missing or not valid; the message says why."""


class RoutesMissing(RoutesUnusable):
    """There is no routes file."""


class RoutesFile:
    """The last valid routes read from the file.

    Writers must replace the file atomically. A file that cannot be used leaves the routes unchanged and is logged once.
    """

    def __init__(self, path: Path) -> None:
        """Read the file at `path`; if it cannot be used, there are no routes yet."""
        self._path = path
        self._log = structlog.get_logger()
        self._error: str | None = None
        self._routes: Routes | None = None
        self._watch = FileWatch(path, self._read)
        try:
            self._routes = self._read()
        except RoutesUnusable as error:
            self._note_unusable(error)

    @property
    def routes(self) -> Routes | None:
        """The last valid routes; None if there were none yet."""
        return self._routes

    @property
    def error(self) -> str | None:
        """Why the current file cannot be used; None if it can."""
        return self._error

    async def watch(self, on_change: Callable[[Routes], Awaitable[None]]) -> None:
        """Pass each change of the routes to `on_change`, until cancelled."""
        while True:
            await asyncio.sleep(POLL_INTERVAL_SECONDS)
            routes = await self.reload_if_changed()
            if routes is not None:
                await on_change(routes)

    async def reload_if_changed(self) -> Routes | None:
        """Reload the file if it has changed; returns the new routes, or None if they stay the same."""
        try:
            routes = await asyncio.to_thread(self._watch.read_if_changed, is_retry=self._error is not None)
        except RoutesUnusable as error:
            self._note_unusable(error)
            return None
        if routes is None:
            return None
        self._error = None
        if routes == self._routes:
            return None
        self._routes = routes
        return routes

    def _note_unusable(self, error: RoutesUnusable) -> None:
        if str(error) != self._error:
            self._error = str(error)
            if self._routes is None:
                # A missing file is normal while the system starts: it is not written yet.
                log = self._log.info if isinstance(error, RoutesMissing) else self._log.warning
                log("no routes yet: the routes file cannot be used", error=self._error)
            else:
                self._log.error("keeping the last valid routes: the routes file cannot be used", error=self._error)

    def _read(self) -> Routes:
        try:
            content = read_if_exists(self._path, max_bytes=MAX_BYTES)
        except FileTooLarge as error:
            raise RoutesUnusable(str(error)) from error
        except OSError as error:
            raise RoutesUnusable(f"{self._path}: {error.strerror or error}") from error
        if content is None:
            raise RoutesMissing(f"{self._path}: file not found")
        try:
            return Routes.model_validate_json(content.removeprefix(BYTE_ORDER_MARK))
        except ValidationError as error:
            # Omit the values: an address may contain a password.
            reasons = describe_findings(error, subject="document", max_findings=5)
            raise RoutesUnusable(f"{self._path}: {reasons}") from error
