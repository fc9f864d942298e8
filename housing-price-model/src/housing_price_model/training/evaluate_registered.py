"""Evaluates a registered model: on sold houses, or by the measures that its training stored."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.exceptions import MlflowException

from housing_price_model.artefact.kinds import require_price_model
from housing_price_model.errors import ArtefactError
from housing_price_model.fitting.evaluate import Estimates, metrics
from housing_price_model.fitting.ratio_studies import ratio_studies
from housing_price_model.registry.versions import connect, download_checked, find_version
from housing_price_model.serving.fast_scoring import DirectModel
from housing_price_model.serving.load_model import load_model
from housing_price_model.survey.data import read_houses
from housing_price_model.training.held_out_measures import MEASURES, HeldOutMeasures


@dataclass(frozen=True)
class Evaluation:
    """The measures of a registered model on sold houses."""

    name: str
    """Name and version of the model."""
    metrics: dict[str, float]
    """See `evaluate.metrics`."""
    studies: list[dict[str, Any]]
    """See `ratio_studies`."""


def evaluate_registered(model: str, data: Path, tracking_uri: str) -> Evaluation:
    """Evaluate a registered model on the houses in a file.

    Raises:
        DataError: The data is invalid.
        RegistryError: The tracking server does not respond or has no such model.
        ArtefactError: The model's files differ from those registered, or it prices no houses.
    """
    houses = read_houses(data)
    with download_checked(connect(tracking_uri), model) as (registered, folder):
        require_price_model(registered.name, model)
        predictions = DirectModel(load_model(folder, model)).predict(houses.features)
    price, low, high = (predictions[name].to_numpy(np.float64) for name in ("price", "low", "high"))
    return Evaluation(
        f"{registered.name} version {registered.version}",
        metrics(houses.prices, Estimates(price, low, high)),
        ratio_studies(houses, price),
    )


def held_out_measures(model: str, tracking_uri: str) -> tuple[str, HeldOutMeasures]:
    """Return name and version of a registered model, and the held-out measures of its training.

    Raises:
        RegistryError: The tracking server does not respond or has no such model.
        ArtefactError: The run of the version has no such measures, as runs of earlier releases.
    """
    registered, _ = find_version(connect(tracking_uri), model)
    name = f"{registered.name} version {registered.version}"
    with tempfile.TemporaryDirectory(prefix="housing-price-") as folder:
        try:
            path = mlflow.artifacts.download_artifacts(
                run_id=registered.run_id, artifact_path=MEASURES, dst_path=folder
            )
        except (MlflowException, OSError) as error:
            advice = "`train` stores it; --data evaluates a version on sold houses"
            raise ArtefactError(f"{name}: its run has no {MEASURES}: {advice}") from error
        return name, HeldOutMeasures.read(Path(path))
