"""The model registry: which version is the champion, and whether the files are those that were registered."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from housing_price_model.artefact.allowed_contents import check_contents
from housing_price_model.artefact.export import check_digest, digest_of
from housing_price_model.errors import ArtefactError, RegistryError
from housing_price_model.registry.life_records import Lives, Record
from housing_price_model.registry.names import (
    CHALLENGER,
    CHAMPION,
    DIGEST_TAG,
    MODEL_ID_TAG,
    NAME,
    NOT_THERE,
    RMSLE_TAG,
    STATE_TAG,
)
from housing_price_model.registry.states import State


@dataclass(frozen=True)
class Registered:
    """A version of the model in the registry."""

    name: str
    version: str
    model_id: str
    digest: str
    run_id: str


def connect(tracking_uri: str) -> MlflowClient:
    """Connect to the tracking server (or store), for the whole process.

    Raises:
        RegistryError: it does not answer.
    """
    # MLflow's own patience is minutes long; a server that is up answers at once.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    # Our models hold no pickle, and MLflow would load one.
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    mlflow.set_tracking_uri(tracking_uri)
    client = MlflowClient()
    try:
        client.search_experiments(max_results=1)
    except Exception as exc:  # stores raise what their database raises
        raise RegistryError(f"{tracking_uri}: the tracking server does not answer ({_first_line(exc)})") from exc
    return client


def register(client: MlflowClient, model_uri: str, run_id: str, model_id: str, rmsle: float) -> tuple[Registered, bool]:
    """Register a logged model with the digest of its files; make it the champion if it is the first or better.

    Returns:
        The version, and whether it is the champion now.
    """
    with translated(f"{model_uri}: cannot be registered"):
        registered = _described(client, mlflow.register_model(model_uri, NAME), run_id, model_id, rmsle)
        champion = find_champion(client)
        best = None if champion is None else float(champion.tags.get(RMSLE_TAG, "inf"))
        is_champion = best is None or rmsle < best
        if is_champion:
            reason = (
                "the first" if best is None else f"better: its cross-validated RMSLE is {rmsle:.4f} after {best:.4f}"
            )
            _crown(client, registered, reason, str(champion.version) if champion else None)
        else:
            client.set_model_version_tag(NAME, registered.version, STATE_TAG, State.REGISTERED.value)
    return registered, is_champion


def _crown(client: MlflowClient, registered: Registered, reason: str, before: str | None) -> None:
    """Make a version the champion that was trained to be it."""
    lives = Lives(client)
    lives.write(registered.version, _trained(registered, reason, State.REGISTERED, State.CHAMPION, before))
    if before is not None:
        lives.write(before, _trained(registered, reason, State.CHAMPION, State.ARCHIVED, registered.version))


def _trained(registered: Registered, reason: str, source: State, target: State, other: str | None = None) -> Record:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return Record(f"run-{registered.run_id}", at, "training", reason, "train", source, target, other)


def register_challenger(client: MlflowClient, model_uri: str, run_id: str, model_id: str, rmsle: float) -> Registered:
    """Register a logged model and make it the challenger; the champion stays.

    A repeated call finds what an interrupted one left, and finishes it.
    """
    with translated(f"{model_uri}: cannot be registered"):
        left = [one for one in client.search_model_versions(f"name='{NAME}'") if one.run_id == run_id]
        version = left[0] if left else mlflow.register_model(model_uri, NAME)
        registered = _described(client, version, run_id, model_id, rmsle)
        client.set_registered_model_alias(NAME, CHALLENGER, registered.version)
        # A step that is repeated late finds a version that has gone on meanwhile: it stays where it is.
        if STATE_TAG not in version.tags:
            record = _trained(registered, "it passed its gate", State.REGISTERED, State.CHALLENGER)
            Lives(client).write(registered.version, record)
    return registered


def _described(client: MlflowClient, version: ModelVersion, run_id: str, model_id: str, rmsle: float) -> Registered:
    with downloaded(version) as folder:
        digest = digest_of(folder)
    for key, value in {DIGEST_TAG: digest, MODEL_ID_TAG: model_id, RMSLE_TAG: repr(rmsle)}.items():
        client.set_model_version_tag(NAME, version.version, key, value)
    return Registered(NAME, str(version.version), model_id, digest, run_id)


def find_champion(client: MlflowClient) -> ModelVersion | None:
    """Find the version that bears the champion's alias; None if none does.

    Raises:
        RegistryError: any other trouble: it is no sign that there is no champion.
    """
    with translated(f"models:/{NAME}@{CHAMPION}: cannot be looked up"):
        try:
            return client.get_model_version_by_alias(NAME, CHAMPION)
        except MlflowException as exc:
            if exc.error_code in NOT_THERE:
                return None
            raise


def find(client: MlflowClient, uri: str) -> tuple[Registered, ModelVersion]:
    """Find the version that `models:/name@alias` or `models:/name/version` means.

    Raises:
        RegistryError: there is none, or it was registered without a digest.
    """
    name, separator, reference = uri.removeprefix("models:/").partition("@" if "@" in uri else "/")
    if not uri.startswith("models:/") or not name or not separator or not reference:
        raise RegistryError(f"{uri}: should be models:/NAME@ALIAS or models:/NAME/VERSION")
    with translated(f"{uri}: is not in the registry"):
        if separator == "@":
            version = client.get_model_version_by_alias(name, reference)
        else:
            version = client.get_model_version(name, reference)
    missing = {DIGEST_TAG, MODEL_ID_TAG} - version.tags.keys()
    if missing:
        raise RegistryError(f"{uri}: was registered without {' and '.join(sorted(missing))}, so it cannot be checked")
    found = Registered(
        name, str(version.version), version.tags[MODEL_ID_TAG], version.tags[DIGEST_TAG], version.run_id or ""
    )
    return found, version


@contextmanager
def checked(client: MlflowClient, uri: str) -> Iterator[tuple[Registered, Path]]:
    """Download a registered model and check it; the folder lives as long as the context.

    Raises:
        RegistryError: see `find`.
        ArtefactError: its files are not those that were registered, or not what a model may be made of.
    """
    found, version = find(client, uri)
    with downloaded(version) as folder:
        check_digest(folder, found.digest)
        check_contents(folder)
        yield found, folder


@contextmanager
def downloaded(version: ModelVersion) -> Iterator[Path]:
    """Download the files of a version into a folder that lives as long as the context.

    Raises:
        ArtefactError: they are not there.
    """
    with tempfile.TemporaryDirectory(prefix="housing-price-") as folder:
        yield download(f"models:/{version.name}/{version.version}", Path(folder))


def download(uri: str, folder: Path) -> Path:
    """Download the files of a model into a folder; returns where in it they are.

    Raises:
        ArtefactError: they are not there.
    """
    try:
        model = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(folder)))
    except (MlflowException, OSError) as exc:
        raise ArtefactError(f"{uri}: cannot be downloaded ({_first_line(exc)})") from exc
    # MLflow writes this file into its own copy; it is no part of the model.
    (model / "registered_model_meta").unlink(missing_ok=True)
    return model


@contextmanager
def translated(message: str) -> Iterator[None]:
    """Turn MLflow's errors into a `RegistryError` with this message."""
    try:
        yield
    except MlflowException as exc:
        raise RegistryError(f"{message} ({_first_line(exc)})") from exc


def _first_line(exc: Exception) -> str:
    lines = str(exc).strip().splitlines()
    return lines[0][:300] if lines else type(exc).__name__
