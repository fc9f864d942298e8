"""Model versions in the registry: register, find, download and verify them."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from housing_price_model.artefact.allowed_contents import check_contents, check_name
from housing_price_model.artefact.export import check_digest, digest_of
from housing_price_model.errors import RegistryError
from housing_price_model.registry.downloads import first_line, temporary_download
from housing_price_model.registry.life_records import Life, LifeRecords
from housing_price_model.registry.names import (
    CHALLENGER,
    CHAMPION,
    DIGEST_PREFIX,
    DIGEST_TAG,
    MODEL_ID_TAG,
    NAME,
    NOT_FOUND_CODES,
    RMSLE_TAG,
    STATE_TAG,
)
from housing_price_model.registry.records import TRAIN, Record
from housing_price_model.registry.states import State
from housing_price_platform.output.terminal import has_unencoded_password


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of the model in the registry, with the digest of its files."""

    name: str
    version: str
    model_id: str
    digest: str
    run_id: str


def connect(tracking_uri: str) -> MlflowClient:
    """Connect to the tracking server (or store), for the whole process.

    Raises:
        RegistryError: The tracking server does not respond, or the URI is invalid.
    """
    if has_unencoded_password(tracking_uri):
        # The errors of the HTTP libraries would quote parts of the password.
        raise RegistryError(f"{tracking_uri}: percent-encode the special characters of the password")
    # By default MLflow retries for minutes; a running server responds at once.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    # Unpickling runs code. Models of this package contain no pickle.
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    # It draws with control characters, which logs show as escapes.
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    mlflow.set_tracking_uri(tracking_uri)
    client = MlflowClient()
    try:
        client.search_experiments(max_results=1)
    except Exception as error:  # stores raise the errors of their database
        raise RegistryError(f"{tracking_uri}: the tracking server does not respond ({first_line(error)})") from error
    return client


def register(
    client: MlflowClient, model_uri: str, run_id: str, model_id: str, rmsle: float, *, name: str = NAME
) -> tuple[RegisteredVersion, bool]:
    """Register a logged model under a name.

    It becomes the champion if there is none. As long as no stack has served a version, it also becomes the champion if
    its RMSLE is lower. Once a stack serves, only a move makes a champion.

    Returns:
        The version, and whether it became the champion.
    """
    with registry_errors(f"{model_uri}: cannot register the model"):
        registered = _tag_version(client, mlflow.register_model(model_uri, name), run_id, model_id, rmsle)
        champion = find_champion(client, name)
        champion_rmsle = None if champion is None else float(champion.tags.get(RMSLE_TAG, "inf"))
        has_served = LifeRecords(client, name).serving() is not None
        is_champion = champion_rmsle is None or (rmsle < champion_rmsle and not has_served)
        if is_champion:
            reason = (
                "first version"
                if champion_rmsle is None
                else f"lower cross-validated RMSLE: {rmsle:.4f}, previous champion {champion_rmsle:.4f}"
            )
            _make_champion(client, registered, reason, str(champion.version) if champion else None)
        else:
            client.set_model_version_tag(name, registered.version, STATE_TAG, State.REGISTERED.value)
    return registered, is_champion


def _make_champion(client: MlflowClient, registered: RegisteredVersion, reason: str, previous: str | None) -> None:
    """Make a newly trained version the champion. The previous one has never served, so it is `registered` again."""
    lives = LifeRecords(client, registered.name)
    lives.write(registered.version, _training_record(registered, reason, State.REGISTERED, State.CHAMPION, previous))
    if previous is not None:
        record = _training_record(registered, reason, State.CHAMPION, State.REGISTERED, registered.version)
        lives.write(previous, record)


def _training_record(
    registered: RegisteredVersion, reason: str, source: State, target: State, other: str | None = None
) -> Record:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return Record(f"run-{registered.run_id}", at, "training", reason, TRAIN, source, target, other)


def register_challenger(
    client: MlflowClient, model_uri: str, run_id: str, model_id: str, rmsle: float, *, name: str = NAME
) -> RegisteredVersion:
    """Register a logged model under a name and make it the challenger; the champion does not change.

    Idempotent: a repeated call completes an interrupted one.
    """
    with registry_errors(f"{model_uri}: cannot register the model"):
        existing = [one for one in client.search_model_versions(f"name='{name}'") if one.run_id == run_id]
        version = existing[0] if existing else mlflow.register_model(model_uri, name)
        registered = _tag_version(client, version, run_id, model_id, rmsle)
        client.set_registered_model_alias(name, CHALLENGER, registered.version)
        # When the call is repeated late, the version may have moved on; keep its state then.
        if STATE_TAG not in version.tags:
            record = _training_record(registered, "passed the gate", State.REGISTERED, State.CHALLENGER)
            LifeRecords(client, name).write(registered.version, record)
    return registered


def _tag_version(
    client: MlflowClient, version: ModelVersion, run_id: str, model_id: str, rmsle: float
) -> RegisteredVersion:
    with temporary_download(version) as folder:
        digest = digest_of(folder)
    name = str(version.name)
    for key, value in {DIGEST_TAG: digest, MODEL_ID_TAG: model_id, RMSLE_TAG: repr(rmsle)}.items():
        client.set_model_version_tag(name, version.version, key, value)
    return RegisteredVersion(name, str(version.version), model_id, digest, run_id)


def find_champion(client: MlflowClient, name: str = NAME) -> ModelVersion | None:
    """Find the version with the champion alias; None if there is none.

    Raises:
        RegistryError: Any other failure, which does not mean that there is no champion.
    """
    with registry_errors(f"models:/{name}@{CHAMPION}: cannot look up the champion"):
        try:
            return client.get_model_version_by_alias(name, CHAMPION)
        except MlflowException as error:
            if error.error_code in NOT_FOUND_CODES:
                return None
            raise


def serving_version(client: MlflowClient, name: str = NAME) -> str | None:
    """Return the version that a stack serves as champion, or served last; None if none has served yet.

    Raises:
        RegistryError: The registry does not respond.
    """
    with registry_errors("cannot look up the version that serves"):
        return LifeRecords(client, name).serving()


def note_serving(client: MlflowClient, version: str, name: str = NAME) -> None:
    """Record that a stack serves this version as champion; see `LifeRecords.note_serving`.

    Raises:
        RegistryError: The registry does not respond.
    """
    with registry_errors("the version that serves cannot be recorded"):
        LifeRecords(client, name).note_serving(version, datetime.now(UTC).isoformat(timespec="milliseconds"))


def find_same_model(client: MlflowClient, model_id: str, states: Collection[State], name: str = NAME) -> Life | None:
    """Find a version in one of these states with this very model; None if there is none, or no champion.

    Without a champion, a model is registered even if it is not new: the registry needs a champion.

    Raises:
        RegistryError: The registry does not respond.
    """
    if find_champion(client, name) is None:
        return None
    with registry_errors("cannot look up registered models"):
        return LifeRecords(client, name).same_model(model_id, states)


def find_version(client: MlflowClient, uri: str) -> tuple[RegisteredVersion, ModelVersion]:
    """Find the version of a URI `models:/name@alias`, `models:/name/version` or `models:/name@sha256:...` (its digest).

    Raises:
        RegistryError: There is no such version, or it was registered without a digest.
    """
    name, separator, reference = uri.removeprefix("models:/").partition("@" if "@" in uri else "/")
    if not uri.startswith("models:/") or not name or not separator or not reference:
        raise RegistryError(f"{uri}: expected models:/NAME@ALIAS, models:/NAME/VERSION or models:/NAME@DIGEST")
    with registry_errors(f"{uri}: not found in the registry"):
        if separator == "@" and reference.startswith(DIGEST_PREFIX):
            version = _find_newest_with_digest(client, name, reference)
        elif separator == "@":
            version = client.get_model_version_by_alias(name, reference)
        else:
            version = client.get_model_version(name, reference)
    missing = {DIGEST_TAG, MODEL_ID_TAG} - version.tags.keys()
    if missing:
        raise RegistryError(
            f"{uri}: registered without {' and '.join(sorted(missing))}, so its files cannot be verified"
        )
    registered = RegisteredVersion(
        name, str(version.version), version.tags[MODEL_ID_TAG], version.tags[DIGEST_TAG], version.run_id or ""
    )
    return registered, version


def _find_newest_with_digest(client: MlflowClient, name: str, digest: str) -> ModelVersion:
    """Find the newest version with this digest; a model that was archived can be registered again.

    Raises:
        RegistryError: No version has it.
    """
    filtered = f"name='{name}' and tags.{DIGEST_TAG}='{digest}'"
    found = client.search_model_versions(filtered, max_results=1, order_by=["version_number DESC"])
    if not found:
        raise RegistryError(f"models:/{name}@{digest}: no registered version has this digest")
    return found[0]


@contextmanager
def download_checked(client: MlflowClient, uri: str) -> Iterator[tuple[RegisteredVersion, Path]]:
    """Download a registered model and check its digest and contents; the folder is deleted when the context exits.

    Raises:
        RegistryError: See `find_version`.
        ArtefactError: The files differ from those registered, or have disallowed contents.
    """
    registered, version = find_version(client, uri)
    with temporary_download(version) as folder:
        check_digest(folder, registered.digest)
        check_name(check_contents(folder), registered.name, uri)
        yield registered, folder


@contextmanager
def registry_errors(message: str) -> Iterator[None]:
    """Raise a `RegistryError` with this message for every `MlflowException`."""
    try:
        yield
    except MlflowException as error:
        raise RegistryError(f"{message} ({first_line(error)})") from error
