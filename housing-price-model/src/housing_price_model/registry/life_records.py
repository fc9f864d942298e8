"""Lifecycle states and move records of versions, stored as tags in the registry.

Tags are backed up, moved and deleted with their version, every MLflow client can read them, and there is no second
database to keep consistent. Each record is a tag of its own, named by the job. So a step that is repeated after a crash
writes the same record, and two writers cannot overwrite each other's records.

The champion is the version that serves: the tag `serving` of the registered model names it. Before any version has
served, it is the version with the alias `champion`. A state tag that disagrees is out of date.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from mlflow.entities.model_registry import ModelVersion
from mlflow.tracking import MlflowClient

from housing_price_model.errors import MoveError
from housing_price_model.registry.names import (
    CHAMPION,
    DIGEST_TAG,
    MODEL_ID_TAG,
    NAME,
    RMSLE_TAG,
    SERVING_TAG,
    STATE_TAG,
)
from housing_price_model.registry.records import SERVE, Record, predecessor, read_records
from housing_price_model.registry.states import State
from housing_price_model.registry.titles import Titles, find_version_number, read_titles, state_of

_TRIALS: Final = frozenset({State.CANARY, State.SHADOW})


@dataclass(frozen=True)
class Life:
    """A version in the registry."""

    version: str
    """The version number."""
    state: State
    """Its lifecycle state."""
    model_id: str | None
    """The content hash that the model returns with each price; None if not registered with it."""
    digest: str | None
    """The digest of its files; None if not registered with it."""
    run_id: str | None
    """The MLflow run that trained it; None if unknown."""
    rmsle: float | None
    """The cross-validated RMSLE; None if not registered with it."""
    registered_at_ms: int
    """Time of registration, in milliseconds since 1970 (UTC)."""
    records: Sequence[Record]
    """Its moves, oldest first."""


class LifeRecords:
    """Reads and writes the states and records of a model's versions; errors of MLflow pass through untranslated."""

    def __init__(self, client: MlflowClient, name: str = NAME) -> None:
        """Read and write in the registry of `client`; `name` is that of the registered model."""
        self._client = client
        self._name = name

    def all(self) -> list[Life]:
        """Return every version, oldest first."""
        titles = self._titles()
        lives = [_life(version, titles) for version in self._client.search_model_versions(f"name='{self._name}'")]
        return sorted(lives, key=lambda life: int(life.version))

    def find(self, version: str) -> Life:
        """Return one version.

        Raises:
            MoveError: `version-unknown`: There is no such version.
        """
        registered = find_version_number(self._client, version, self._name)
        if registered is None:
            raise MoveError("version-unknown", f"There is no version {version}.")
        return _life(registered, self._titles())

    def champion(self) -> str | None:
        """Return the version that serves; before any has served, the one with the alias; None if there is neither."""
        return self._titles().champion

    def serving(self) -> str | None:
        """Return the version that serves as champion, or served last; None if no stack has served a version yet."""
        return self._titles().serving

    def champion_alias(self) -> str | None:
        """Return the version with the alias `champion`, which a stack serves when it starts."""
        return self._titles().champion_alias

    def holder(self, state: State) -> str | None:
        """Return the version in a state that at most one version can have; None if there is none."""
        return next((life.version for life in self.all() if life.state is state), None)

    def previous_champion(self, champion: str) -> str | None:
        """Return the version that served before this one; None if there was none."""
        return predecessor(list(self.find(champion).records))

    def same_model(self, model_id: str, states: Collection[State]) -> Life | None:
        """Return a version in one of these states with this very model, the champion first; None if there is none."""
        found = [life for life in self.all() if life.model_id == model_id and life.digest and life.state in states]
        return min(found, key=lambda life: life.state is not State.CHAMPION, default=None)

    def write(self, version: str, record: Record) -> None:
        """Store a move: the champion alias, then the state, then the record. Idempotent."""
        if record.target is State.CHAMPION:
            self._client.set_registered_model_alias(self._name, CHAMPION, version)
        self._client.set_model_version_tag(self._name, version, STATE_TAG, record.target.value)
        self._client.set_model_version_tag(self._name, version, record.tag, orjson.dumps(record.to_json()).decode())

    def undo(self, version: str, record: Record) -> None:
        """Undo a move that was stored completely or in part.

        To restore the champion alias, undo the moves of both versions.
        """
        self._client.set_model_version_tag(self._name, version, STATE_TAG, record.source.value)
        if record.source is State.CHAMPION:
            self._client.set_registered_model_alias(self._name, CHAMPION, version)
        elif record.target is State.CHAMPION and self._titles().champion_alias == version:
            self._client.delete_registered_model_alias(self._name, CHAMPION)
        if any(one.job == record.job for one in self.find(version).records):
            self._client.delete_model_version_tag(self._name, version, record.tag)

    def set_serving(self, version: str | None) -> None:
        """Store which version serves as champion; None: none has served yet. Idempotent."""
        if version is not None:
            self._client.set_registered_model_tag(self._name, SERVING_TAG, version)
        elif self._titles().serving is not None:
            self._client.delete_registered_model_tag(self._name, SERVING_TAG)

    def note_serving(self, version: str, at: str) -> None:
        """Record that a stack serves this version, if the registry does not know it yet. Idempotent.

        A stack serves a version without a move when it starts: with the version that has the alias, which may have been
        moved by hand. The tag is written last, so that a repeated call completes an interrupted one. A version that the
        registry does not have is ignored: the files of the stack may be older than the registry.
        """
        titles = self._titles()
        if titles.serving == version:
            if titles.champion_alias != version:
                self._client.set_registered_model_alias(self._name, CHAMPION, version)
            return
        if find_version_number(self._client, version, self._name) is None:
            return
        before, source = titles.serving, self.find(version).state
        if before is not None:
            self._write_once(before, _served(at, State.CHAMPION, State.ARCHIVED, version))
        self._write_once(version, _served(at, source, State.CHAMPION, before))
        self.set_serving(version)

    def note_trials(self, trials: Mapping[str, State], at: str) -> None:
        """Record which versions are canary and shadow, where the registry says otherwise. Idempotent.

        A stack that starts without the earlier canary or shadow, because its files are gone, takes it out of service.
        """
        for life in self.all():
            state = trials.get(life.version)
            if state is None and life.state in _TRIALS:
                self.write(life.version, _served(at, life.state, State.CHALLENGER))
            elif state is not None and life.state is not state:
                self.write(life.version, _served(at, life.state, state))

    def _write_once(self, version: str, record: Record) -> None:
        """Write a record unless the latest one already says the same."""
        records = self.find(version).records
        last = records[-1] if records else None
        is_same = last is not None and (last.action, last.target, last.other) == (
            record.action,
            record.target,
            record.other,
        )
        self.write(version, last if last is not None and is_same else record)

    def _titles(self) -> Titles:
        return read_titles(self._client, self._name)


def _served(at: str, source: State, target: State, other: str | None = None) -> Record:
    return Record(f"serve-{at}", at, "stack", "found in service", SERVE, source, target, other)


def _life(version: ModelVersion, titles: Titles) -> Life:
    tags, number = version.tags, str(version.version)
    records = read_records(tags)
    return Life(
        number,
        state_of(number, tags.get(STATE_TAG), titles, records),
        tags.get(MODEL_ID_TAG),
        tags.get(DIGEST_TAG),
        version.run_id or None,
        float(tags[RMSLE_TAG]) if RMSLE_TAG in tags else None,
        int(version.creation_timestamp),
        records,
    )
