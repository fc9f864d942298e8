"""Logs a training run to MLflow: parameters, metrics, plots and the model."""

import logging
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Final

import mlflow

from housing_price_model.fitting.pack import REQUIREMENTS, SERVED_FILE, SIGNATURE, PackedModel
from housing_price_model.fitting.pipeline import Recipe
from housing_price_model.registry.names import NAME
from housing_price_model.registry.versions import registry_errors
from housing_price_model.survey.data import Houses

EXPERIMENT: Final = NAME
_LIBRARIES: Final = ("mlflow", "numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "skl2onnx")


@dataclass(frozen=True)
class LoggedRun:
    """The MLflow run id and the URI of the logged model."""

    run_id: str
    model_uri: str


def log_run(
    houses: Houses,
    *,
    recipe: Recipe,
    seed: int,
    metrics: Mapping[str, float],
    run_files: Path,
    packed: PackedModel,
    training_seconds: float,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> LoggedRun:
    """Log a run to the tracking server set by `registry.versions.connect`.

    Args:
        houses: The training data.
        recipe: The training parameters.
        seed: The random seed of the folds and of the trees.
        metrics: The cross-validated metrics; see `evaluate.metrics`.
        run_files: A folder whose contents are logged as artefacts of the run, such as `plots/` and `held_out.json`.
        packed: The packed model.
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
        mlflow.set_experiment(EXPERIMENT)
        with mlflow.start_run(tags=dict(tags)) as run:
            mlflow.log_params(asdict(recipe) | {"seed": seed, "houses": len(houses), "data_sha256": houses.digest})
            mlflow.log_params({"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES})
            mlflow.log_metrics(dict(metrics) | {"training_seconds": training_seconds})
            mlflow.log_artifacts(str(run_files))
            with _without_bytecode():
                logged = mlflow.pyfunc.log_model(
                    name="model",
                    python_model=str(SERVED_FILE),
                    artifacts=packed.artifacts,
                    signature=SIGNATURE,
                    input_example=houses.features.head(2),
                    pip_requirements=list(REQUIREMENTS),
                    metadata={
                        "model_id": packed.model_id,
                        "data_sha256": houses.digest,
                        "seed": seed,
                        "cross_validation": dict(metrics),
                        "training_seconds": training_seconds,
                    },
                )
        return LoggedRun(run.info.run_id, logged.model_uri)


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
