"""Cross-validation and metrics of prices and prediction intervals."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from os import process_cpu_count

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_limits

from housing_price_model.artefact.served import Floats
from housing_price_model.fitting.calibration import Stretch
from housing_price_model.fitting.intervals import Interval
from housing_price_model.fitting.pipeline import PriceFit, Recipe
from housing_price_survey.ratio_study import ratio_study

type Rows = npt.NDArray[np.int64]

type Fold = tuple[Rows, Rows]
"""Row numbers of the training part and of the held-out part."""

type Progress = Callable[[str, float], None]
"""Called with the name of a stage and the completed fraction of it, from 0 to 1."""


@dataclass(frozen=True)
class Estimates:
    """Estimates of n houses: `price`, `low` and `high` in US dollars, each of shape (n,)."""

    price: Floats
    low: Floats
    high: Floats


def metrics(actual: Floats, estimates: Estimates) -> dict[str, float]:
    """Compare estimates with sale prices.

    Returns:
        `rmsle` (root mean squared error of the log price), `rmse_usd` and `mae_usd`;
        `coverage` (share of sale prices inside their interval) and `median_width_usd`;
        `constant_width_usd` (the width of a constant interval with the same coverage);
        `constant_ratio_median_width_usd` (the median width of an interval that is a constant share of the price, with
        the same coverage); `median_error` (median absolute error as a share of the sale price); and the measures of a
        ratio study by name, without their intervals (see `housing_price_survey.ratio_study`).
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
        "median_error": float(np.median(np.abs(error) / actual)),
        **ratio_study(estimates.price.tolist(), actual.tolist()).values(),
    }


@dataclass(frozen=True)
class FoldFit:
    """A model that was fitted on a part of the houses."""

    training: Rows
    """The rows that it was fitted on."""
    held_out: Rows
    """The rows that it was not fitted on."""
    log_prices: Floats
    """Its estimates of all n houses, before the correction of a bias; shape (n,)."""


@dataclass(frozen=True)
class OuterFold:
    """A fold, and everything that was learned from its training part."""

    fit: FoldFit
    """The model."""
    inner: Sequence[FoldFit]
    """The models of the inner cross-validation; their held-out rows make up `fit.training`."""
    stretch: Stretch
    """The correction of the bias, learned on the held-out estimates of the inner models."""
    interval: Interval
    """The interval, calibrated on the errors of these estimates after the correction."""


@dataclass(frozen=True)
class CrossValidation:
    """Held-out estimates of all houses."""

    estimates: Estimates
    """Estimates by models, corrections and intervals fitted without the house."""
    errors: Floats
    """Log price minus its held-out estimate; shape (n,). Calibrates the final interval."""
    stretch: Stretch
    """The correction for the final model, learned on the held-out estimates of all houses."""
    folds: Sequence[OuterFold]
    """The folds from which the estimates were made."""


def split(count: int, folds: int, seed: int) -> list[Fold]:
    """Split `count` rows into shuffled folds."""
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
    """Estimate each of the n houses with a model and an interval that were fitted and calibrated without it.

    In each fold an inner cross-validation of the training part calibrates the correction of the bias and the interval,
    as is done for the final model with all houses.
    """
    log_prices = np.log(prices)
    outer = list(folds) if folds is not None else split(len(values), recipe.folds, seed)
    inner = [[(train[i], train[j]) for i, j in split(len(train), recipe.folds, seed)] for train, _ in outer]
    jobs = [*outer, *(job for jobs in inner for job in jobs)]

    def fit(job: Fold) -> FoldFit:
        training, held_out = job
        estimates = PriceFit.fit(values[training], log_prices[training], recipe, seed).predict(values)
        return FoldFit(training, held_out, estimates)

    def calibrate(place: int) -> OuterFold:
        own = fits[len(outer) + place * recipe.folds :][: recipe.folds]
        raw, rows = held_out_log_prices(own, len(values)), fits[place].training
        stretch = Stretch.fit(log_prices[rows], raw[rows])
        errors = log_prices[rows] - stretch.apply(raw[rows])
        return OuterFold(fits[place], own, stretch, Interval.fit(values[rows], errors, recipe, seed))

    # Tree building releases the GIL, so threads use all cores. BLAS is limited to one thread per call: more would
    # oversubscribe the cores, and the number of threads changes the last bits of a sum.
    with threadpool_limits(1), ThreadPoolExecutor(process_cpu_count() or 1) as pool:
        futures = [pool.submit(fit, job) for job in jobs]
        for done, _ in enumerate(as_completed(futures), start=1):
            progress("Cross-validating", done / len(futures))
        fits = [future.result() for future in futures]
        calibrated = list(pool.map(calibrate, range(len(outer))))
    center, low, high = (np.empty(len(values)) for _ in range(3))
    for fold in calibrated:
        rows = fold.fit.held_out
        center[rows] = fold.stretch.apply(fold.fit.log_prices[rows])
        low[rows], high[rows] = fold.interval.bounds(values[rows], center[rows])
    raw = held_out_log_prices([fold.fit for fold in calibrated], len(values))
    return CrossValidation(
        Estimates(np.exp(center), np.exp(low), np.exp(high)),
        log_prices - center,
        Stretch.fit(log_prices, raw),
        calibrated,
    )


def held_out_log_prices(fits: Sequence[FoldFit], count: int) -> Floats:
    """Return the (count,) estimates by models that were not fitted on the house; NaN where there is none."""
    estimates = np.full(count, np.nan)
    for fit in fits:
        estimates[fit.held_out] = fit.log_prices[fit.held_out]
    return estimates
