"""Lifecycle states and move records of versions, stored as tags in the registry.

Tags are backed up, moved and deleted with their version, every MLflow client can read them, and there is no second
database to keep consistent. Each record is a tag of its own, named by the job. So a step that is repeated after a crash
writes the same record, and two writers cannot overwrite each other's records.

Only the alias `champion` decides which version is the champion. A tag that disagrees is out of date.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from housing_price_model.errors import MoveError, RegistryError
from housing_price_model.registry.names import (
    CHALLENGER,
    CHAMPION,
    DIGEST_TAG,
    MODEL_ID_TAG,
    MOVE_TAG,
    NAME,
    NOT_FOUND_CODES,
    RMSLE_TAG,
    STATE_TAG,
)
from housing_price_model.registry.states import State

_INVALID_IN_TAG: Final = re.compile("[^0-9A-Za-z_.-]")


@dataclass(frozen=True)
class Record:
    """One move of one version.

    Attributes:
        job: The id of the job that made the move, or of the training run.
        at: Time of the move, in UTC (ISO 8601).
        by: The user or program that requested it.
        reason: The reason given.
        action: The requested action.
        source: The state before the move.
        target: The state after the move.
        other: For a new champion, the previous champion; for a replaced champion, the new one.
    """

    job: str
    at: str
    by: str
    reason: str
    action: str
    source: State
    target: State
    other: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Convert to the stored form."""
        return {
            "job": self.job,
            "at": self.at,
            "by": self.by,
            "reason": self.reason,
            "action": self.action,
            "from": self.source.value,
            "to": self.target.value,
            "other": self.other,
        }


@dataclass(frozen=True)
class Life:
    """A version in the registry.

    Attributes:
        version: The version number.
        state: Its lifecycle state.
        model_id: The content hash that the model returns with each price; None if not registered with it.
        digest: The digest of its files; None if not registered with it.
        run_id: The MLflow run that trained it; None if unknown.
        rmsle: The cross-validated RMSLE; None if not registered with it.
        registered_at_ms: Time of registration, in milliseconds since 1970 (UTC).
        records: Its moves, oldest first.
    """

    version: str
    state: State
    model_id: str | None
    digest: str | None
    run_id: str | None
    rmsle: float | None
    registered_at_ms: int
    records: Sequence[Record]


class LifeRecords:
    """Reads and writes the states and records of all versions; errors of MLflow pass through untranslated."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    def all(self) -> list[Life]:
        """Return every version, oldest first."""
        aliases = self._aliases()
        lives = [_life(version, aliases) for version in self._client.search_model_versions(f"name='{NAME}'")]
        return sorted(lives, key=lambda life: int(life.version))

    def find(self, version: str) -> Life:
        """Return one version.

        Raises:
            MoveError: `version-unknown`: There is no such version.
        """
        try:
            registered = self._client.get_model_version(NAME, version)
        except MlflowException as error:
            if error.error_code not in NOT_FOUND_CODES:
                raise
            raise MoveError("version-unknown", f"There is no version {version}.") from error
        return _life(registered, self._aliases())

    def champion(self) -> str | None:
        """Return the champion's version number; None if there is no champion."""
        return self._aliases().get(CHAMPION)

    def holder(self, state: State) -> str | None:
        """Return the version in a state that at most one version can have; None if there is none."""
        return next((life.version for life in self.all() if life.state is state), None)

    def previous_champion(self, champion: str) -> str | None:
        """Return the version that was champion before this one was promoted; None if there was none."""
        promotions = [record for record in self.find(champion).records if record.action != "rollback"]
        became = [record for record in promotions if record.target is State.CHAMPION]
        return became[-1].other if became else None

    def write(self, version: str, record: Record) -> None:
        """Store a move: the champion alias, then the state, then the record. Idempotent."""
        if record.target is State.CHAMPION:
            self._client.set_registered_model_alias(NAME, CHAMPION, version)
        self._client.set_model_version_tag(NAME, version, STATE_TAG, record.target.value)
        stored = orjson.dumps(record.to_json()).decode()
        self._client.set_model_version_tag(NAME, version, _tag(record.job), stored)

    def undo(self, version: str, record: Record) -> None:
        """Undo a move that was stored completely or in part.

        To restore the champion alias, undo the moves of both versions.
        """
        self._client.set_model_version_tag(NAME, version, STATE_TAG, record.source.value)
        if record.source is State.CHAMPION:
            self._client.set_registered_model_alias(NAME, CHAMPION, version)
        elif record.target is State.CHAMPION and self.champion() == version:
            self._client.delete_registered_model_alias(NAME, CHAMPION)
        if any(one.job == record.job for one in self.find(version).records):
            self._client.delete_model_version_tag(NAME, version, _tag(record.job))

    def _aliases(self) -> dict[str, str]:
        try:
            model = self._client.get_registered_model(NAME)
        except MlflowException as error:
            if error.error_code in NOT_FOUND_CODES:
                return {}
            raise
        return {alias: str(version) for alias, version in model.aliases.items()}


def _tag(job: str) -> str:
    return MOVE_TAG + _INVALID_IN_TAG.sub("_", job)


def _life(version: ModelVersion, aliases: dict[str, str]) -> Life:
    tags, number = version.tags, str(version.version)
    return Life(
        number,
        _state(number, tags.get(STATE_TAG), aliases),
        tags.get(MODEL_ID_TAG),
        tags.get(DIGEST_TAG),
        version.run_id or None,
        float(tags[RMSLE_TAG]) if RMSLE_TAG in tags else None,
        int(version.creation_timestamp),
        _records(tags),
    )


def _state(version: str, tag: str | None, aliases: dict[str, str]) -> State:
    if aliases.get(CHAMPION) == version:
        return State.CHAMPION
    if tag is None:
        return State.CHALLENGER if aliases.get(CHALLENGER) == version else State.REGISTERED
    if tag == State.CHAMPION:
        return State.ARCHIVED  # the alias was moved to another version outside of the lifecycle
    try:
        return State(tag)
    except ValueError as error:
        raise RegistryError(
            f"version {version}: its tag `{STATE_TAG}` is {tag!r}, which is not a valid state"
        ) from error


def _records(tags: dict[str, str]) -> list[Record]:
    records = []
    for key, value in tags.items():
        if key.startswith(MOVE_TAG):
            try:
                stored = orjson.loads(value)
                source, target = State(stored.pop("from")), State(stored.pop("to"))
                records.append(Record(**stored, source=source, target=target))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise RegistryError(f"the tag `{key}` is not a valid move record ({error!r})") from error
    return sorted(records, key=lambda record: record.at)
