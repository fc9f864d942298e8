"""Measures how good prices and intervals are, on houses that were not trained on."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from os import process_cpu_count

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

from housing_price_model.artefact.served import Floats
from housing_price_model.fitting.intervals import Interval
from housing_price_model.fitting.pipeline import PriceFit, Recipe

type Rows = npt.NDArray[np.int64]

type Fold = tuple[Rows, Rows]
"""The rows that are fitted on, and the rows that are held out."""

type Progress = Callable[[str, float], None]
"""Is called with the name of a stage and the share of it that is done, from 0 to 1."""


@dataclass(frozen=True)
class Estimates:
    """Estimates of n houses: `price`, `low` and `high` in US dollars, each of shape (n,)."""

    price: Floats
    low: Floats
    high: Floats


def metrics(actual: Floats, estimates: Estimates) -> dict[str, float]:
    """Compare estimates with the prices paid.

    Returns:
        `rmsle` (root mean squared error of the log price), `rmse_usd`, `mae_usd`; `coverage` (share of prices inside
        their interval), `median_width_usd`, `constant_width_usd` (the width that covers as many houses when it is the
        same for all) and `constant_ratio_median_width_usd` (the same, when it is the same share of every price).
    """
    error = estimates.price - actual
    ratio = np.log(estimates.price) - np.log(actual)
    coverage = float(np.mean((estimates.low <= actual) & (actual <= estimates.high)))
    constant = 2 * np.quantile(np.abs(error), coverage, method="higher")
    share = np.quantile(np.abs(ratio), coverage, method="higher")
    return {
        "rmsle": float(np.sqrt(np.mean(ratio**2))),
        "rmse_usd": float(np.sqrt(np.mean(error**2))),
        "mae_usd": float(np.mean(np.abs(error))),
        "coverage": coverage,
        "median_width_usd": float(np.median(estimates.high - estimates.low)),
        "constant_width_usd": float(constant),
        "constant_ratio_median_width_usd": float(np.median(estimates.price * (np.exp(share) - np.exp(-share)))),
    }


@dataclass(frozen=True)
class CrossValidation:
    """Held-out estimates of every house.

    Attributes:
        estimates: Made by models and intervals that had not seen their house.
        errors: (n,) log price minus its held-out estimate; calibrates the final interval.
    """

    estimates: Estimates
    errors: Floats


def split(count: int, folds: int, seed: int) -> list[Fold]:
    """Divide so many rows into folds, shuffled."""
    return list(KFold(folds, shuffle=True, random_state=seed).split(np.arange(count)))


def cross_validate(
    values: Floats,
    prices: Floats,
    recipe: Recipe,
    seed: int,
    progress: Progress,
    *,
    folds: Sequence[Fold] | None = None,
) -> CrossValidation:
    """Estimate each of the n houses by a model and an interval that never saw it, not even in calibration.

    In each fold the interval is calibrated by a cross-validation of its own among the other folds, exactly as the final
    model is calibrated among all houses.
    """
    log_prices = np.log(prices)
    outer = list(folds) if folds is not None else split(len(values), recipe.folds, seed)
    inner = [[(train[i], train[j]) for i, j in split(len(train), recipe.folds, seed)] for train, _ in outer]
    jobs = [*outer, *(job for jobs in inner for job in jobs)]

    def held_out(job: tuple[Rows, Rows]) -> Floats:
        fitted, others = job
        return PriceFit.fit(values[fitted], log_prices[fitted], recipe, seed).predict(values[others])

    def calibrated(fold: int) -> Interval:
        (train, _), errors = outer[fold], np.empty(len(values))
        for at, (_, rows) in enumerate(inner[fold]):
            errors[rows] = log_prices[rows] - found[len(outer) + fold * recipe.folds + at]
        return Interval.fit(values[train], errors[train], recipe, seed)

    # Tree building releases the interpreter lock, so threads use all cores. BLAS keeps to one each: they would fight
    # over the cores, and the last bits of a sum depend on how many share it.
    with threadpool_limits(1), ThreadPoolExecutor(process_cpu_count() or 1) as pool:
        futures = [pool.submit(held_out, job) for job in jobs]
        for done, _ in enumerate(as_completed(futures), start=1):
            progress("Cross-validating", done / len(futures))
        found = [future.result() for future in futures]
        intervals = list(pool.map(calibrated, range(len(outer))))
    center, low, high = (np.empty(len(values)) for _ in range(3))
    for fold, (_, others) in enumerate(outer):
        center[others] = found[fold]
        low[others], high[others] = intervals[fold].bounds(values[others], found[fold])
    return CrossValidation(Estimates(np.exp(center), np.exp(low), np.exp(high)), log_prices - center)
