"""Hyperparameter search: compares a few random recipes, determined by the seed, by their cross-validated error."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from os import process_cpu_count
from typing import Any, Final

import numpy as np
import orjson
from threadpoolctl import threadpool_limits

from housing_price_model.candidate.extract import EXTRACT, HOUSES
from housing_price_model.candidate.run import Result, Step, Task
from housing_price_model.candidate.validation import VALIDATE
from housing_price_model.fitting.evaluate import Fold, Progress, split
from housing_price_model.fitting.pipeline import ENCODER, PriceFit, Recipe
from housing_price_model.survey.data import Houses, read_houses

RECIPE: Final = "recipe.json"

_TRIED: Final = 8
"""Number of recipes tried besides the first one: about a minute with the full data on two cores."""
_MIN_GAIN: Final = 0.003
"""Minimum relative improvement of the error; a smaller one is within the variation between folds."""
_CHOICES: Final[dict[str, tuple[Any, ...]]] = {
    "linear_share": (0.3, 0.4, 0.5),
    "ridge_alpha": (75.0, 150.0, 300.0),
    "learning_rate": (0.03, 0.05, 0.08),
    "max_depth": (3, 4, 5),
    "max_features": (25, 40, 60),
    "min_samples_leaf": (2, 4, 8),
}


def search(task: Task) -> Result:
    """Store the recipe to train: the configured one or, with a search, the best one found."""
    parameters = task.parameters
    recipe = parameters.recipe
    tried: list[dict[str, Any]] = []
    if parameters.search:
        houses = read_houses(task.inputs[EXTRACT.name] / HOUSES)
        recipe, tried = best_of(houses, parameters.recipe, parameters.seed, task.progress)
    (task.out / RECIPE).write_bytes(orjson.dumps(asdict(recipe), option=orjson.OPT_INDENT_2))
    return {"searched": parameters.search, "recipe": asdict(recipe), "tried": tried}


SEARCH: Final = Step("search", (EXTRACT.name, VALIDATE.name), search)


def best_of(houses: Houses, first: Recipe, seed: int, progress: Progress) -> tuple[Recipe, list[dict[str, Any]]]:
    """Choose the best of the first recipe and a few random variations.

    The folds differ from those of the evaluation, so that the choice does not bias the candidate's measured error.

    Returns:
        The best recipe, and for each recipe its changes from the first and its RMSLE.
    """
    values, log_prices = ENCODER.encode(houses.features), np.log(houses.prices)
    recipes = [first, *_varied(first, seed)]
    folds = split(len(houses), first.folds, seed + 1)
    jobs = [(recipe, fold) for recipe in recipes for fold in folds]

    def squares(job: tuple[Recipe, Fold]) -> float:
        recipe, (fitted, others) = job
        with threadpool_limits(1):
            estimates = PriceFit.fit(values[fitted], log_prices[fitted], recipe, seed).predict(values[others])
        return float(np.sum((estimates - log_prices[others]) ** 2))

    found: list[float] = []
    with threadpool_limits(1), ThreadPoolExecutor(process_cpu_count() or 1) as pool:
        for one in pool.map(squares, jobs):
            found.append(one)
            progress("Searching", len(found) / len(jobs))
    sums = np.array(found).reshape(len(recipes), len(folds)).sum(axis=1)
    errors = np.sqrt(sums / len(houses)).tolist()
    best = min(range(len(recipes)), key=lambda at: errors[at])
    if errors[best] > errors[0] * (1 - _MIN_GAIN):
        best = 0
    tried = [_differences(first, one) | {"rmsle": error} for one, error in zip(recipes, errors, strict=True)]
    return recipes[best], tried


def _varied(first: Recipe, seed: int) -> Iterator[Recipe]:
    random = np.random.default_rng(seed)
    for _ in range(_TRIED):
        names = random.choice(list(_CHOICES), size=3, replace=False).tolist()
        changes = {name: _CHOICES[name][random.integers(len(_CHOICES[name]))] for name in names}
        yield Recipe(**asdict(first) | changes)


def _differences(first: Recipe, other: Recipe) -> dict[str, Any]:
    mine, theirs = asdict(first), asdict(other)
    return {name: value for name, value in theirs.items() if value != mine[name]}
