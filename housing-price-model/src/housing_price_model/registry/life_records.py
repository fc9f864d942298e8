"""What the registry knows of a version's life: its state, and the record of each move, as tags of the version.

Tags, because they are where the version is: they are backed up, moved and deleted with it, every MLflow client can read
them, and no second database can come to disagree. Each record is a tag of its own, named by the job, so a step that is
repeated after a crash writes the same record again, and two writers never overwrite each other's.

Who is champion is decided by the alias `champion` alone, which exists once. A tag that says otherwise is out of date.
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
    NOT_THERE,
    RMSLE_TAG,
    STATE_TAG,
)
from housing_price_model.registry.states import State

_NOT_IN_A_TAG: Final = re.compile("[^0-9A-Za-z_.-]")


@dataclass(frozen=True)
class Record:
    """One move of one version.

    Attributes:
        job: The id of the job that did it, or what else did.
        at: When, in UTC (ISO 8601).
        by: Who asked for it.
        reason: Why.
        action: What was asked for.
        source: The state before.
        target: The state since.
        other: Of a champion: the version that was champion before; of one that is no longer: the one that is now.
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
        """Give it as it is stored and shown."""
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
        model_id: The identity that it gives with each price; None if it was registered without. So for the others.
        records: Its moves, the first one first.
    """

    version: str
    state: State
    model_id: str | None
    digest: str | None
    run_id: str | None
    rmsle: float | None
    registered_at_ms: int
    records: Sequence[Record]


class Lives:
    """Reads and writes the states and records of all versions. What MLflow raises is the caller's to translate."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    def all(self) -> list[Life]:
        """Give every version, the first one first."""
        aliases = self._aliases()
        found = [_life(version, aliases) for version in self._client.search_model_versions(f"name='{NAME}'")]
        return sorted(found, key=lambda life: int(life.version))

    def find(self, version: str) -> Life:
        """Give one version.

        Raises:
            MoveError: `version-unknown`.
        """
        try:
            found = self._client.get_model_version(NAME, version)
        except MlflowException as exc:
            if exc.error_code not in NOT_THERE:
                raise
            raise MoveError("version-unknown", f"there is no version {version}") from exc
        return _life(found, self._aliases())

    def champion(self) -> str | None:
        """Give the version that is champion."""
        return self._aliases().get(CHAMPION)

    def holder(self, state: State) -> str | None:
        """Give the version that is in a state that only one can be in."""
        return next((life.version for life in self.all() if life.state is state), None)

    def before(self, champion: str) -> str | None:
        """Give the version that was champion before this one was promoted; None if there was none."""
        promotions = [record for record in self.find(champion).records if record.action != "rollback"]
        became = [record for record in promotions if record.target is State.CHAMPION]
        return became[-1].other if became else None

    def write(self, version: str, record: Record) -> None:
        """Write a move down: the alias of the champion, then the state, then the record; repeatable."""
        if record.target is State.CHAMPION:
            self._client.set_registered_model_alias(NAME, CHAMPION, version)
        self._client.set_model_version_tag(NAME, version, STATE_TAG, record.target.value)
        stored = orjson.dumps(record.to_json()).decode()
        self._client.set_model_version_tag(NAME, version, _tag(record.job), stored)

    def unwrite(self, version: str, record: Record) -> None:
        """Take a move back, as far as it was written down; the alias goes back with the other version's."""
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
        except MlflowException as exc:
            if exc.error_code in NOT_THERE:
                return {}
            raise
        return {alias: str(version) for alias, version in model.aliases.items()}


def _tag(job: str) -> str:
    return MOVE_TAG + _NOT_IN_A_TAG.sub("_", job)


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
        return State.ARCHIVED  # somebody gave the alias to another version, and told nobody
    try:
        return State(tag)
    except ValueError as exc:
        raise RegistryError(f"version {version}: its tag `{STATE_TAG}` is {tag!r}, which is no state") from exc


def _records(tags: dict[str, str]) -> list[Record]:
    found = []
    for key, value in tags.items():
        if key.startswith(MOVE_TAG):
            try:
                stored = orjson.loads(value)
                source, target = State(stored.pop("from")), State(stored.pop("to"))
                found.append(Record(**stored, source=source, target=target))
            except (ValueError, KeyError, TypeError, AttributeError) as exc:
                raise RegistryError(f"the tag `{key}` is no record of a move ({exc!r})") from exc
    return sorted(found, key=lambda record: record.at)
