"""Splits the houses into folds, cross-validates, and trains both final models on all houses."""

from pathlib import Path
from time import monotonic
from typing import Final

import numpy as np
import orjson

from housing_price_model.candidate.extract import EXTRACT, HOUSES
from housing_price_model.candidate.run import Result, Step, Task
from housing_price_model.candidate.search import RECIPE, SEARCH
from housing_price_model.candidate.validation import VALIDATE
from housing_price_model.fitting.evaluate import Fold, split
from housing_price_model.fitting.pipeline import Recipe
from housing_price_model.fitting.ratio_studies import ratio_studies
from housing_price_model.registry.names import COMPARABLES
from housing_price_model.survey.data import read_houses
from housing_price_model.training.comparables import build_comparables
from housing_price_model.training.held_out_measures import MEASURES, HeldOutMeasures
from housing_price_model.training.train import RUN_FILES, build_model, fit

FOLDS: Final = "folds.json"


def divide(task: Task) -> Result:
    """Store the held-out fold of each house."""
    houses = read_houses(task.inputs[EXTRACT.name] / HOUSES)
    recipe = _recipe(task)
    fold_of = np.empty(len(houses), dtype=np.int64)
    for number, (_, rows) in enumerate(split(len(houses), recipe.folds, task.parameters.seed)):
        fold_of[rows] = number
    (task.out / FOLDS).write_bytes(orjson.dumps(fold_of.tolist()))
    return {"folds": recipe.folds, "houses": np.bincount(fold_of).tolist()}


SPLIT: Final = Step("split", (EXTRACT.name, VALIDATE.name, SEARCH.name), divide)


def train(task: Task) -> Result:
    """Store the artefacts of both models, the plots, the cross-validated prices, and the measures of the values."""
    houses, recipe = read_houses(task.inputs[EXTRACT.name] / HOUSES), _recipe(task)
    started = monotonic()
    fitted = fit(houses, recipe, task.parameters.seed, task.progress, _folds(task.inputs[SPLIT.name] / FOLDS))
    training_seconds = round(monotonic() - started, 1)
    packed = build_model(houses, fitted, recipe, task.parameters.seed, task.out)
    comparables = build_comparables(houses, fitted.validation, task.out / COMPARABLES)
    studies = {"price": ratio_studies(houses, fitted.validation.estimates.price), "value": comparables.studies}
    HeldOutMeasures(comparables.measures, studies).write(task.out / RUN_FILES / MEASURES)
    return {
        "model_id": packed.model_id,
        "training_seconds": training_seconds,
        "metrics": fitted.metrics,
        "comparables": {"model_id": comparables.packed.model_id, "metrics": comparables.metrics()},
    }


TRAIN: Final = Step("train", (EXTRACT.name, SEARCH.name, SPLIT.name), train)


def _recipe(task: Task) -> Recipe:
    return Recipe(**orjson.loads((task.inputs[SEARCH.name] / RECIPE).read_bytes()))


def _folds(path: Path) -> list[Fold]:
    fold_of = np.array(orjson.loads(path.read_bytes()))
    return [
        (np.flatnonzero(fold_of != number), np.flatnonzero(fold_of == number)) for number in range(fold_of.max() + 1)
    ]
