"""Logs a training run to MLflow: what went in, how good it is, how it looks, and the model itself."""

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

from housing_price_model.fitting.pack import REQUIREMENTS, SERVED, SIGNATURE, Packed
from housing_price_model.fitting.pipeline import Recipe
from housing_price_model.registry.names import NAME
from housing_price_model.registry.versions import translated
from housing_price_model.survey.data import Houses

EXPERIMENT: Final = NAME
_LIBRARIES: Final = ("mlflow", "numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "skl2onnx")


@dataclass(frozen=True)
class Logged:
    """Where a run and its model are: an MLflow run id and the URI of the logged model."""

    run_id: str
    model_uri: str


def log_run(
    houses: Houses,
    *,
    recipe: Recipe,
    seed: int,
    metrics: Mapping[str, float],
    shown: Path,
    packed: Packed,
    training_seconds: float,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> Logged:
    """Log a run to the tracking server that `registry.connect` found.

    Args:
        houses: What was trained on.
        recipe: How.
        seed: Of the folds and of the trees.
        metrics: How good it is; see `evaluate.metrics`.
        shown: A folder whose files become the run's artefacts, by their names in it: `plots/`, `held_out.json`.
        packed: The model.
        training_seconds: How long it took.
        tags: What a search for runs is to find it by.

    Raises:
        RegistryError: the tracking server refuses, or is gone.
    """
    # It warns that no pip is installed to read a version from; the environments here are uv's.
    logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)
    # MLflow notes the commit if there is a git; without one it should not warn.
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    # A model does not take along the lock of the folder that it happened to be trained in.
    os.environ.setdefault("MLFLOW_UV_AUTO_DETECT", "false")
    with translated("the run cannot be logged"):
        mlflow.set_experiment(EXPERIMENT)
        with mlflow.start_run(tags=dict(tags)) as run:
            mlflow.log_params(asdict(recipe) | {"seed": seed, "houses": len(houses), "data_sha256": houses.digest})
            mlflow.log_params({"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES})
            mlflow.log_metrics(dict(metrics) | {"training_seconds": training_seconds})
            mlflow.log_artifacts(str(shown))
            with _without_bytecode():
                logged = mlflow.pyfunc.log_model(
                    name="model",
                    python_model=str(SERVED),
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
        return Logged(run.info.run_id, logged.model_uri)


@contextmanager
def _without_bytecode() -> Iterator[None]:
    """Keep Python from writing bytecode beside the code that it loads.

    MLflow loads the model once to try its example, from the folder that it uploads afterwards. Bytecode in it would be
    part of the model, and nobody could tell whether it says what the code beside it says.
    """
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before
