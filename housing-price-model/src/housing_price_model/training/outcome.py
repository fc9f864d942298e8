"""Registers and exports a trained model."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mlflow.tracking import MlflowClient

from housing_price_model.artefact.export import Manifest, digest_of, write_export
from housing_price_model.registry.downloads import download
from housing_price_model.registry.export_version import export_registered
from housing_price_model.registry.names import COMPARABLES, NAME
from housing_price_model.registry.states import State
from housing_price_model.registry.versions import RegisteredVersion, find_same_model, register, serving_version
from housing_price_model.training.mlflow_run import LoggedRun

_USABLE: Final = frozenset(State) - {State.ARCHIVED}
"""States of versions that are worth no second registration. An archived version returns only as a new one."""

EXPORTS: Final[Mapping[str, str]] = {NAME: ".", COMPARABLES: "comparables"}
"""The folder of each model's export inside the folder of `train --export-to`."""


@dataclass(frozen=True)
class Outcome:
    """The result of registering a trained model."""

    name: str
    """The name under which it is registered."""
    model_id: str
    """The content hash that the model returns with each answer."""
    run_id: str
    """The MLflow run that logged it."""
    registered: RegisteredVersion | None = None
    """The version in the registry; None if the model was not registered."""
    is_champion: bool = False
    """Whether that version became the champion."""
    same_as: str | None = None
    """The registered version that this very model already is; nothing was logged or registered then."""
    serving: str | None = None
    """The version that a stack serves, and that only a move replaces; None if none has served yet."""


def already_registered(client: MlflowClient, name: str, model_id: str) -> Outcome | None:
    """Return the outcome of a model that is identical to a registered version; None if there is no such version.

    Raises:
        RegistryError: The registry does not respond.
    """
    same = find_same_model(client, model_id, _USABLE, name)
    return None if same is None else Outcome(name, model_id, same.run_id or "", same_as=same.version)


def register_logged(client: MlflowClient, name: str, logged: LoggedRun, model_id: str, rmsle: float) -> Outcome:
    """Register a logged model; see `registry.versions.register`.

    Raises:
        RegistryError: The registry does not respond.
    """
    registered, is_champion = register(client, logged.model_uris[name], logged.run_id, model_id, rmsle, name=name)
    return Outcome(name, model_id, logged.run_id, registered, is_champion, serving=serving_version(client, name))


def export_outcome(outcome: Outcome, logged: LoggedRun | None, tracking_uri: str, folder: Path) -> None:
    """Export a model to its folder in `folder`; see `EXPORTS`.

    Raises:
        RegistryError: The tracking server does not respond.
        ArtefactError: The export cannot be written.
    """
    target = folder / EXPORTS[outcome.name]
    if outcome.same_as is not None:
        export_registered(f"models:/{outcome.name}/{outcome.same_as}", target, tracking_uri)
    elif logged is not None:
        _export_logged(outcome, logged.model_uris[outcome.name], target)


def _export_logged(outcome: Outcome, model_uri: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        model, registered = download(model_uri, Path(temporary)), outcome.registered
        manifest = Manifest(
            name=outcome.name,
            version=registered.version if registered else outcome.model_id,
            model_id=outcome.model_id,
            digest=registered.digest if registered else digest_of(model),
            run_id=outcome.run_id,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_export(model, manifest, folder)
