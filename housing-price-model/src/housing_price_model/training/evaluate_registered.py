"""Evaluates a registered model on sold houses."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np

from housing_price_model.fitting.evaluate import Estimates, metrics
from housing_price_model.fitting.ratio_studies import ratio_studies
from housing_price_model.registry.versions import connect, download_checked
from housing_price_model.survey.data import read_houses


@dataclass(frozen=True)
class Evaluation:
    """The measures of a registered model.

    Attributes:
        name: Name and version of the model.
        metrics: See `evaluate.metrics`.
        studies: See `ratio_studies`.
    """

    name: str
    metrics: dict[str, float]
    studies: list[dict[str, Any]]


def evaluate_registered(model: str, data: Path, tracking_uri: str) -> Evaluation:
    """Evaluate a registered model on the houses in a CSV file.

    Raises:
        DataError: The data is invalid.
        RegistryError: The tracking server does not respond or has no such model.
        ArtefactError: The model's files differ from those registered.
    """
    houses = read_houses(data)
    with download_checked(connect(tracking_uri), model) as (registered, folder):
        predictions = mlflow.pyfunc.load_model(str(folder)).predict(houses.features)
    price, low, high = (predictions[name].to_numpy(np.float64) for name in ("price", "low", "high"))
    return Evaluation(
        f"{registered.name} version {registered.version}",
        metrics(houses.prices, Estimates(price, low, high)),
        ratio_studies(houses, price),
    )
