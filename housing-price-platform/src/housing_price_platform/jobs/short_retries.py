"""Shortens DBOS's pauses between attempts, so that a worker continues within seconds once its database is back."""

import time
from types import ModuleType
from typing import Any, Final

from dbos import _sys_db

MAX_PAUSE_SECONDS: Final = 2.0
"""Longest pause between two attempts; DBOS alone pauses for up to 90 s."""


class _ShortPauses:
    """The module `time`, with a limit on `sleep`."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def sleep(self, seconds: float) -> None:
        """Sleep for `seconds`, but at most `MAX_PAUSE_SECONDS`."""
        self._module.sleep(min(seconds, MAX_PAUSE_SECONDS))


def shorten_retries() -> None:
    """Limit the pauses of DBOS in this process; call it before DBOS starts.

    DBOS doubles the pause after each failed attempt and has no setting for it, so the clock of its database module is
    replaced.
    """
    _sys_db.time = _ShortPauses(time)  # type: ignore[assignment, attr-defined]  # replaces the module on purpose
