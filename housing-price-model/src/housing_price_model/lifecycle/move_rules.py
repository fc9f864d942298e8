"""Keeps `moves.json` up to date: the moves that this worker would refuse, which the API refuses at submission.

The document holds the results of the same function that plans a move, so the two cannot disagree.
"""

import os
import threading
import time
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from mlflow.tracking import MlflowClient

from housing_price_model.errors import MoveError
from housing_price_model.lifecycle.documents import Desired
from housing_price_model.lifecycle.move_steps import note_roles
from housing_price_model.lifecycle.plan import judge
from housing_price_model.lifecycle.serving_folder import ServingFolder
from housing_price_model.registry.life_records import LifeRecords
from housing_price_model.registry.names import NAME_OF_MODEL
from housing_price_model.registry.snapshot import RegistrySnapshot
from housing_price_model.registry.versions import connect, registry_errors
from housing_price_platform.orders.move_rules import MOVE_RULES, Refusal, RefusedMoves
from housing_price_platform.orders.moves import ACTIONS_OF_MODEL, Action, Move, ServedModel

INTERVAL_SECONDS: Final = 2.0
"""Pause between two readings of the registry."""

_WEIGHT: Final = 0.5
"""Weight of the canaries that are judged; no rule depends on it."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class MoveRulesWriter:
    """Writes the document in the serving folder, and touches it after each reading of the registry."""

    def __init__(self, serving: ServingFolder, tracking_uri: str, model: ServedModel = ServedModel.PRICE) -> None:
        """Judge the moves of the versions of `model`; `serving` is that model's own folder."""
        self._serving = serving
        self._model = model
        self._tracking_uri = tracking_uri
        self._client: MlflowClient | None = None
        self._written: tuple[Any, ...] | None = None

    def refresh(self) -> None:
        """Read the registry and the desired state once.

        Raises:
            HousingPriceModelError: they cannot be read, or the document cannot be written.
            OSError: the document was deleted in between.
        """
        if self._client is None:
            self._client = connect(self._tracking_uri)
        with registry_errors("the registry cannot be read"):
            name = NAME_OF_MODEL[self._model]
            snapshot = RegistrySnapshot(self._client, name)
            desired = self._serving.desired()
            content = (snapshot.content, desired)
            if content != self._written:
                lives = LifeRecords(snapshot.client, name)
                self._serving.write_move_rules(refused_moves(lives, desired, self._model))
                self._written = content
        _touch(self._serving)

    def keep_fresh(self, stop: threading.Event) -> None:
        """Refresh the document until `stop` is set; each new failure is logged once."""
        failure = ""
        while not stop.wait(INTERVAL_SECONDS):
            try:
                self.refresh()
                failure = ""
            except Exception as error:  # noqa: BLE001 - a store raises the errors of its database; try again
                self._written = None
                if str(error) != failure:
                    failure = str(error)
                    _log.warning(f"{MOVE_RULES} is out of date", model=self._model.value, error=failure)


def refused_moves(lives: LifeRecords, desired: Desired, model: ServedModel = ServedModel.PRICE) -> RefusedMoves:
    """Judge every action of a model on every version."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    # In the snapshot only: the next move records it in the registry.
    note_roles(lives, desired.roles, at)
    return RefusedMoves(
        versions={life.version: _refusals(life.version, lives, desired, at, model) for life in lives.all()},
    )


def _refusals(version: str, lives: LifeRecords, desired: Desired, at: str, model: ServedModel) -> dict[str, Refusal]:
    refused = {}
    for action in ACTIONS_OF_MODEL[model]:
        weight = _WEIGHT if action is Action.CANARY else None
        move = Move.model_validate({"action": action, "version": version, "model": model, "weight": weight})
        try:
            judge(move, lives, desired, at)
        except MoveError as error:
            refused[action.value] = Refusal.model_validate({"code": error.code, "detail": str(error)})
    return refused


def _touch(serving: ServingFolder) -> None:
    now = time.time_ns()
    os.utime(serving.folder / MOVE_RULES, ns=(now, now))
