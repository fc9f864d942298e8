"""A copy of the registry, read once, as a client on which changes can be tried out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST
from mlflow.tracking import MlflowClient

from housing_price_model.registry.names import NAME, NOT_FOUND_CODES


@dataclass
class _Version:
    version: str
    tags: dict[str, str]
    run_id: str | None
    creation_timestamp: int


@dataclass
class _Model:
    aliases: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class RegistrySnapshot:
    """The versions, aliases and tags of one registered model in memory.

    It is the part of an `MlflowClient` that `LifeRecords` uses. Changes stay in memory.
    """

    def __init__(self, client: MlflowClient, name: str = NAME) -> None:
        """Read everything about the registered model `name`.

        Raises:
            MlflowException: the registry does not answer.
        """
        self._versions = {
            str(one.version): _Version(
                str(one.version), dict(one.tags), one.run_id or None, int(one.creation_timestamp)
            )
            for one in client.search_model_versions(f"name='{name}'")
        }
        self._model: _Model | None = None
        try:
            found = client.get_registered_model(name)
            self._model = _Model({alias: str(one) for alias, one in found.aliases.items()}, dict(found.tags))
        except MlflowException as error:
            if error.error_code not in NOT_FOUND_CODES:
                raise

    @property
    def content(self) -> tuple[Any, ...]:
        """A copy of everything that was read; equal if nothing has changed."""
        model = None if self._model is None else (dict(self._model.aliases), dict(self._model.tags))
        return model, {number: dict(one.tags) for number, one in self._versions.items()}

    @property
    def client(self) -> MlflowClient:
        """This snapshot, for functions that expect a client."""
        return cast("MlflowClient", self)

    def search_model_versions(self, _filter: str) -> Sequence[ModelVersion]:
        """Return all versions."""
        return [cast("ModelVersion", one) for one in self._versions.values()]

    def get_model_version(self, _name: str, version: str) -> _Version:
        """Return a version."""
        if version not in self._versions:
            raise MlflowException(f"version {version} not found", error_code=RESOURCE_DOES_NOT_EXIST)
        return self._versions[version]

    def get_registered_model(self, _name: str) -> _Model:
        """Return the model with its aliases and tags."""
        if self._model is None:
            raise MlflowException("model not found", error_code=RESOURCE_DOES_NOT_EXIST)
        return self._model

    def set_model_version_tag(self, name: str, version: str, key: str, value: str) -> None:
        """Set a tag of a version, in memory."""
        self.get_model_version(name, version).tags[key] = value

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        """Set an alias, in memory."""
        self.get_registered_model(name).aliases[alias] = version

    def set_registered_model_tag(self, name: str, key: str, value: str) -> None:
        """Set a tag of the model, in memory."""
        self.get_registered_model(name).tags[key] = value

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Delete a tag of the model, in memory."""
        self.get_registered_model(name).tags.pop(key, None)
