"""Measures a registered model on houses."""

from pathlib import Path

import mlflow
import numpy as np

from housing_price_model.fitting.evaluate import Estimates, metrics
from housing_price_model.registry.versions import checked, connect
from housing_price_model.survey.data import read_houses


def evaluate_registered(model: str, data: Path, tracking_uri: str) -> tuple[str, dict[str, float]]:
    """Measure a registered model on the houses of a CSV.

    Returns:
        The model's name and version, and its metrics (see `evaluate.metrics`).

    Raises:
        DataError: the data is wrong.
        RegistryError: the tracking server does not answer or does not know the model.
        ArtefactError: its files are not those that were registered.
    """
    houses = read_houses(data)
    with checked(connect(tracking_uri), model) as (registered, folder):
        answer = mlflow.pyfunc.load_model(str(folder)).predict(houses.features)
    price, low, high = (answer[name].to_numpy(np.float64) for name in ("price", "low", "high"))
    return f"{registered.name} version {registered.version}", metrics(houses.prices, Estimates(price, low, high))
