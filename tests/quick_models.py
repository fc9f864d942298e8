"""Models that are trained within seconds, for tests of services whose prices may be rough."""

import warnings
from importlib import import_module
from pathlib import Path

with warnings.catch_warnings():
    # Importing MLflow warns about its own type hints; all later warnings are errors.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")

from housing_price_model.training.train import train

from .lifecycle_store import QUICK, every_tenth_house, new_store

EXPORT = "export"


def train_quick_models(folder: Path) -> None:
    """Train a price model and a comparables model, and export both to `EXPORT` in the folder."""
    with warnings.catch_warnings():
        # MLflow's own code uses what SQLAlchemy and pandas deprecate.
        warnings.simplefilter("ignore")
        train(new_store(folder), every_tenth_house(folder / "few.csv"), recipe=QUICK, export_to=folder / EXPORT)
