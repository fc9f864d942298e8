"""The versions that the registered model names, and the state of a version that follows from them."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from housing_price_model.errors import RegistryError
from housing_price_model.registry.names import (
    CHALLENGER,
    CHAMPION,
    NAME,
    NOT_FOUND_CODES,
    SERVING_TAG,
    STATE_TAG,
)
from housing_price_model.registry.records import Record
from housing_price_model.registry.states import State


@dataclass(frozen=True)
class Titles:
    """The versions that the registered model names."""

    champion_alias: str | None = None
    """The version with the alias `champion`: a stack serves it when it starts."""
    challenger_alias: str | None = None
    """The version that passed its gate most recently."""
    serving: str | None = None
    """The version that serves as champion, or served last; None if none has served yet, or it was deleted."""

    @property
    def champion(self) -> str | None:
        """The version that serves; before any has served, the one with the alias."""
        return self.serving or self.champion_alias


def read_titles(client: MlflowClient, name: str = NAME) -> Titles:
    """Read the aliases and tags of a registered model; all None if there is no such model yet."""
    try:
        model = client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code in NOT_FOUND_CODES:
            return Titles()
        raise
    aliases = {alias: str(version) for alias, version in model.aliases.items()}
    champion, serving = aliases.get(CHAMPION), model.tags.get(SERVING_TAG)
    if serving is not None and serving != champion and find_version_number(client, serving, name) is None:
        serving = None  # the version was deleted
    return Titles(champion, aliases.get(CHALLENGER), serving)


def find_version_number(client: MlflowClient, version: str, name: str = NAME) -> ModelVersion | None:
    """Find a version by its number; None if there is none."""
    try:
        return client.get_model_version(name, version)
    except MlflowException as error:
        if error.error_code in NOT_FOUND_CODES:
            return None
        raise


def state_of(version: str, tag: str | None, titles: Titles, records: Sequence[Record]) -> State:
    """Return the state of a version.

    Args:
        version: The version number.
        tag: Its state tag; None if it has none.
        titles: The versions that the registered model names.
        records: Its moves, oldest first.

    Raises:
        RegistryError: The tag is not a state.
    """
    if titles.champion == version:
        return State.CHAMPION
    if tag is None:
        return State.CHALLENGER if titles.challenger_alias == version else State.REGISTERED
    if tag == State.CHAMPION:
        return _state_without_title(titles, records)
    try:
        return State(tag)
    except ValueError as error:
        raise RegistryError(
            f"version {version}: its tag `{STATE_TAG}` is {tag!r}, which is not a valid state"
        ) from error


def _state_without_title(titles: Titles, records: Sequence[Record]) -> State:
    """Return the state of a version whose tag says `champion` although another version is the champion."""
    if titles.serving is None or any(record.starts_serving for record in records):
        return State.ARCHIVED  # the alias was moved to another version outside of the lifecycle
    # It never served: training made it the champion of a registry that a stack already served from.
    sources = [record.source for record in records if record.target is State.CHAMPION]
    return sources[-1] if sources and sources[-1] is not State.CHAMPION else State.REGISTERED
