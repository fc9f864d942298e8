"""Reads which moves the lifecycle worker would refuse, from the documents that it keeps in the serving folder."""

import asyncio
import time
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from housing_price_orchestrator.shared.errors import ModelRefused, MoveRefused, TransitionIllegal, VersionUnknown
from housing_price_platform.files import FileTooLarge, read_if_exists
from housing_price_platform.orders.move_rules import MOVE_RULES, RefusalCode, RefusedMoves, serving_folder_of
from housing_price_platform.orders.moves import Action, ServedModel

MAX_BYTES: Final = 16 * 1024 * 1024
"""Size limit of the document. A version takes about 1 kB."""

POLL_SECONDS: Final = 0.1
WAIT_SECONDS: Final = 10.0
"""Maximum wait for a new reading of the registry; without one, the move is left to the worker."""

_ROUNDS: Final = 2
"""Readings to wait for: the first may have begun before the request arrived."""

_ERROR_OF_CODE: Final[dict[RefusalCode, type[MoveRefused]]] = {
    "transition-illegal": TransitionIllegal,
    "model-refused": ModelRefused,
    # The version to which a rollback would return.
    "version-unknown": VersionUnknown,
}


class MoveRulesFiles:
    """`MoveRules` from a file for each model.

    A move that the document allows is accepted at once. A refusal must be confirmed by a state that the worker read
    after the request arrived, since a version may just have been registered. The readings are counted by changes of the
    file's modification time, so the clocks of the two machines may differ.
    """

    def __init__(self, serving: Path | None, *, wait_seconds: float = WAIT_SECONDS) -> None:
        """Read the documents in the folder `serving`; with None every move is left to the worker."""
        self._serving = serving
        self._wait_seconds = wait_seconds

    async def refusal_of(self, action: Action, model: ServedModel, version: str, /) -> MoveRefused | None:
        """Return why the worker would refuse a move now; None if it would accept it, or if that is unknown."""
        if self._serving is None:
            return None
        path = serving_folder_of(self._serving, model) / MOVE_RULES
        stamp = await asyncio.to_thread(_stamp_of, path)
        if stamp is None or await asyncio.to_thread(_refusal_in, path, action, version) is None:
            return None
        rounds, deadline = 0, time.monotonic() + self._wait_seconds
        while rounds < _ROUNDS:
            if time.monotonic() > deadline:
                return None
            await asyncio.sleep(POLL_SECONDS)
            earlier, stamp = stamp, await asyncio.to_thread(_stamp_of, path)
            rounds += stamp != earlier
        return await asyncio.to_thread(_refusal_in, path, action, version)


def _stamp_of(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _refusal_in(path: Path, action: Action, version: str) -> MoveRefused | None:
    try:
        content = read_if_exists(path, max_bytes=MAX_BYTES)
        document = None if content is None else RefusedMoves.model_validate_json(content)
    except (OSError, FileTooLarge, ValidationError):
        document = None  # the worker judges the move
    if document is None:
        return None
    if version not in document.versions:
        return VersionUnknown(f"There is no version {version}.")
    refusal = document.versions[version].get(action)
    return None if refusal is None else _ERROR_OF_CODE[refusal.code](refusal.detail)
