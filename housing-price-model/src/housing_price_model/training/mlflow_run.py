"""Logs a training run to MLflow: parameters, data set, metrics, plots and the models; and describes their versions."""

import logging
import os
import platform
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import mlflow
from mlflow.data.pandas_dataset import PandasDataset, from_pandas
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient

from housing_price_model.comparables import pack as comparables_pack
from housing_price_model.fitting import pack as price_pack
from housing_price_model.fitting.pack import PackedModel
from housing_price_model.fitting.pipeline import Recipe
from housing_price_model.registry.names import COMPARABLES, NAME
from housing_price_model.registry.versions import RegisteredVersion, registry_errors
from housing_price_model.survey.data import Houses
from housing_price_model.training.model_card import CARD_FOLDER, summarise, write_card
from housing_price_survey.columns import TARGET

EXPERIMENT: Final = NAME
_NOTE_TAG: Final = "mlflow.note.content"
"""MLflow's tag for the description of an experiment or a run."""
_MAX_DATASET_DIGEST: Final = 36

_ABOUT_EXPERIMENT: Final = (
    "Training runs of the house price model, on sales in Ames, Iowa. A run is one model with its parameters, its data "
    "set, its cross-validated metrics, its plots and its model card. Runs of registered models show the version."
)
_ABOUT_MODEL: Final = (
    "Prices houses in Ames, Iowa: 79 columns of the survey in; price, 90 % interval and the model's identity out. The "
    "alias `champion` is the version that is served, `challenger` the one that passed its gate most recently. The "
    "description of each version is its model card in short."
)

_LIBRARIES: Final = ("mlflow", "numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "skl2onnx")


_ABOUT_COMPARABLES: Final = (
    "Finds comparable sales of a house in Ames, Iowa: 79 columns of the survey in; the most similar sold houses, "
    "nearest first, with their sale prices, distances and features out. Each version was trained in the run of a price "
    "model."
)


@dataclass(frozen=True)
class _HowToLog:
    """How a model of one name is logged: the name inside the run, the code, the signature and the requirements."""

    name: str
    code: Path
    signature: ModelSignature
    requirements: Sequence[str]


_HOW_TO_LOG: Final[Mapping[str, _HowToLog]] = {
    NAME: _HowToLog("model", price_pack.SERVED_FILE, price_pack.SIGNATURE, price_pack.REQUIREMENTS),
    COMPARABLES: _HowToLog(
        "comparables", comparables_pack.SERVED_FILE, comparables_pack.SIGNATURE, comparables_pack.REQUIREMENTS
    ),
}


@dataclass(frozen=True)
class LoggedRun:
    """The MLflow run id, and the URI of each logged model by the name under which it is registered."""

    run_id: str
    model_uris: Mapping[str, str]


def log_run(
    houses: Houses,
    *,
    name: str,
    source: Path,
    recipe: Recipe,
    seed: int,
    metrics: Mapping[str, float],
    run_files: Path,
    packed: Mapping[str, PackedModel],
    training_seconds: float,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> LoggedRun:
    """Log a run to the tracking server set by `registry.versions.connect`.

    Args:
        houses: The training data.
        name: The name of the run.
        source: The file with the training data.
        recipe: The training parameters.
        seed: The random seed of the folds and of the trees.
        metrics: The cross-validated metrics; see `evaluate.metrics`.
        run_files: A folder whose contents are logged as artefacts of the run, such as `plots/` and `held_out.json`.
        packed: The packed models, by the name under which they are registered.
        training_seconds: The duration of the training.
        tags: Additional tags of the run.

    Raises:
        RegistryError: The tracking server rejects the run or does not respond.
    """
    # MLflow warns that pip is not installed; uv environments have none.
    logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)
    # MLflow records the commit if git is installed; suppress the warning if it is not.
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    # Do not store the uv.lock of the working directory with the model.
    os.environ.setdefault("MLFLOW_UV_AUTO_DETECT", "false")
    with registry_errors("cannot log the run"):
        experiment = mlflow.set_experiment(EXPERIMENT)
        if _NOTE_TAG not in experiment.tags:
            mlflow.set_experiment_tag(_NOTE_TAG, _ABOUT_EXPERIMENT)
        about = f"{len(houses):,} houses, seed {seed}: cross-validated RMSLE {metrics['rmsle']:.4f}"
        with mlflow.start_run(run_name=name, description=about, tags=dict(tags)) as run:
            mlflow.log_input(_dataset(houses, source), context="training")
            mlflow.log_params(asdict(recipe) | {"seed": seed, "houses": len(houses), "data_sha256": houses.digest})
            mlflow.log_params({"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES})
            mlflow.log_metrics(dict(metrics) | {"training_seconds": training_seconds})
            mlflow.log_artifacts(str(run_files))
            about_training = {"seed": seed, "cross_validation": dict(metrics), "training_seconds": training_seconds}
            uris = {name: _log_model(name, houses, model, about_training) for name, model in packed.items()}
        return LoggedRun(run.info.run_id, uris)


def find_logged(client: MlflowClient, run_id: str) -> LoggedRun:
    """Find the models that a run has logged.

    Raises:
        MlflowException: The tracking server does not respond.
    """
    outputs = client.get_run(run_id).outputs
    models = [client.get_logged_model(one.model_id) for one in (outputs.model_outputs if outputs else ())]
    names = {how.name: name for name, how in _HOW_TO_LOG.items()}
    return LoggedRun(run_id, {names[model.name]: model.model_uri for model in models if model.name in names})


def _log_model(name: str, houses: Houses, packed: PackedModel, about_training: Mapping[str, Any]) -> str:
    """Log a model to the active run and return its URI."""
    how = _HOW_TO_LOG[name]
    with _without_bytecode():
        logged = mlflow.pyfunc.log_model(
            name=how.name,
            python_model=str(how.code),
            artifacts=packed.artifacts,
            signature=how.signature,
            input_example=houses.features.head(2),
            pip_requirements=list(how.requirements),
            metadata={"model_id": packed.model_id, "data_sha256": houses.digest, **about_training},
        )
    return str(logged.model_uri)


def describe_version(
    client: MlflowClient, registered: RegisteredVersion, run_id: str, content: Mapping[str, Any]
) -> None:
    """Describe a registered version by its model card, and log the card with its number to its run; idempotent.

    Args:
        client: A client of the registry.
        registered: The version.
        run_id: The run that trained it.
        content: See `model_card.card_content`.

    Raises:
        RegistryError: The tracking server does not respond.
    """
    known = dict(content) | {"version": registered.version, "run_id": run_id}
    with tempfile.TemporaryDirectory(prefix="housing-price-") as folder, registry_errors("cannot describe the version"):
        write_card(known, Path(folder))
        client.log_artifacts(run_id, folder, CARD_FOLDER)
        client.update_model_version(NAME, registered.version, summarise(known))
        if not client.get_registered_model(NAME).description:
            client.update_registered_model(NAME, _ABOUT_MODEL)


def describe_comparables(client: MlflowClient, registered: RegisteredVersion, houses: int) -> None:
    """Describe a registered version of the comparables model, which has sold `houses`; idempotent.

    Raises:
        RegistryError: The tracking server does not respond.
    """
    with registry_errors("cannot describe the version"):
        client.update_model_version(COMPARABLES, registered.version, f"Finds the nearest of {houses:,} sold houses.")
        if not client.get_registered_model(COMPARABLES).description:
            client.update_registered_model(COMPARABLES, _ABOUT_COMPARABLES)


def _dataset(houses: Houses, source: Path) -> PandasDataset:
    with warnings.catch_warnings():
        # MLflow registers its class for local files twice.
        warnings.filterwarnings("ignore", message="The specified dataset source can be interpreted in multiple ways")
        return from_pandas(
            houses.features.assign(**{TARGET: houses.prices}),
            source=str(source),
            targets=TARGET,
            name=source.stem,
            digest=houses.digest[:_MAX_DATASET_DIGEST],
        )


@contextmanager
def _without_bytecode() -> Iterator[None]:
    """Stop Python from writing bytecode beside the code that it loads.

    MLflow loads the model from the folder that it then uploads, to try the input example. Bytecode there would become
    part of the model, and nothing shows that it matches the source.
    """
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before
