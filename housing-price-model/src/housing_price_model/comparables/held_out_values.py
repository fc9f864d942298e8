"""Held-out values: price, comparables and value of each sold house, nothing seen twice.

The comparables of a held-out house come from the training part of its fold, adjusted by the price model that was
fitted on that part. Weight, interval and grades are learned on the held-out estimates of the inner cross-validation of
the same part. So nothing that a value is made of depends on the sale price of its house.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from housing_price_model.artefact.served_comparables import DEFAULT_K, Floats
from housing_price_model.comparables.blend import (
    Blend,
    Evidence,
    adjusted,
    grades_of,
    learn_blend,
    values_of,
)
from housing_price_model.comparables.distance import neighbours_of
from housing_price_model.fitting.calibration import Stretch
from housing_price_model.fitting.evaluate import CrossValidation, Estimates, FoldFit, OuterFold, Rows, metrics
from housing_price_survey.columns import COLUMNS
from housing_price_survey.ratio_study import ratio_study

_GRADES: Final = ("high", "medium", "low")


@dataclass(frozen=True)
class HeldOutValues:
    """The values of all houses, and what is learned from them for the model that is served."""

    blend: Blend
    """The parameters for the model that is served, learned on the held-out estimates of all houses."""
    comparables: Floats
    """The weighted mean of the adjusted sale prices of each house, in US dollars; shape (n,)."""
    values: Estimates
    """The held-out values."""
    earlier: Estimates
    """The held-out values if only earlier sales are comparables."""
    grades: Sequence[str]
    """The grade of each held-out value, with limits that were learned without the house."""


def value_held_out(values: Floats, prices: Floats, validation: CrossValidation) -> HeldOutValues:
    """Value each of n houses by models, comparables and parameters that do not depend on its sale price.

    Args:
        values: The (n, columns) encoded houses.
        prices: Their sale prices in US dollars; shape (n,).
        validation: The cross-validation of the price model on the same houses.
    """
    log_prices, estimates = np.log(prices), validation.estimates
    below, above = np.log(estimates.price / estimates.low), np.log(estimates.high / estimates.price)
    found = _unknown(len(prices))
    valued, earlier = (Estimates(*(np.empty(len(prices)) for _ in range(3))) for _ in range(2))
    grades = np.empty(len(prices), dtype=object)
    for fold in validation.folds:
        blend = learn_blend(log_prices, _inner_evidence(values, log_prices, fold))
        rows = fold.fit.held_out
        # All sales of the other folds, as in service.
        evidence = _evidence(values, log_prices, fold.fit, fold.stretch, (below[rows], above[rows]))
        _put(found, rows, evidence)
        _put(valued, rows, held_out := values_of(evidence, blend))
        assert blend.confidence is not None  # noqa: S101 - `learn_blend` always learns the limits
        grades[rows] = grades_of(held_out, blend.confidence)
        _put(earlier, rows, values_of(_earlier(values, log_prices, fold, evidence), blend))
    return HeldOutValues(learn_blend(log_prices, found), np.exp(found.mean), valued, earlier, grades.tolist())


def report(prices: Floats, price: Estimates, held_out: HeldOutValues) -> dict[str, Any]:
    """Return the measures of price, comparables and value, and the hit rates of the grades, as a JSON object.

    `price`, `value` and `value_earlier_sales` hold the measures of `evaluate.metrics`; `comparables` those that need no
    interval.
    """
    known = ~np.isnan(held_out.comparables)
    alone = Estimates(*(held_out.comparables[known],) * 3)
    without_interval = (
        {"rmsle", "rmse_usd", "mae_usd", "median_error"}
        | ratio_study([1.0], [1.0]).values().keys()
        | {
            "prb",
            "forecast_standard_deviation",
        }
    )
    return {
        "blend": asdict(held_out.blend),
        "price": metrics(prices, price),
        "comparables": {
            name: value for name, value in metrics(prices[known], alone).items() if name in without_interval
        },
        "value": metrics(prices, held_out.values),
        "value_earlier_sales": metrics(prices, held_out.earlier),
        "confidence": _hit_rates(prices, held_out),
    }


def _hit_rates(prices: Floats, held_out: HeldOutValues) -> list[dict[str, Any]]:
    grades = np.array(held_out.grades)
    hits = np.abs(held_out.values.price - prices) <= 0.1 * prices
    return [
        {
            "grade": grade,
            "houses": int(np.sum(grades == grade)),
            "within_10": float(np.mean(hits[grades == grade])) if np.any(grades == grade) else None,
        }
        for grade in _GRADES
    ]


def _inner_evidence(values: Floats, log_prices: Floats, fold: OuterFold) -> Evidence:
    """Return the held-out evidence of the training part of a fold, in the order of its inner folds."""
    spread = np.full(len(values), np.nan)
    spread[fold.fit.training] = fold.interval.held_out_spread
    parts = [
        (
            inner.held_out,
            _evidence(
                values,
                log_prices,
                inner,
                fold.stretch,
                (fold.interval.below * spread[inner.held_out], fold.interval.above * spread[inner.held_out]),
            ),
        )
        for inner in fold.inner
    ]
    whole = _unknown(len(values))
    for rows, part in parts:
        _put(whole, rows, part)
    return whole


def _evidence(
    values: Floats, log_prices: Floats, fit: FoldFit, stretch: Stretch, interval: tuple[Floats, Floats]
) -> Evidence:
    """Return the evidence of the held-out houses of a fit, with its training houses as comparables."""
    mean, deviation = _adjusted(values, log_prices, stretch.apply(fit.log_prices), fit.training, fit.held_out)
    return Evidence(stretch.apply(fit.log_prices[fit.held_out]), *interval, mean, deviation)


def _earlier(values: Floats, log_prices: Floats, fold: OuterFold, evidence: Evidence) -> Evidence:
    """Return the evidence of the held-out houses of a fold with earlier sales only."""
    months = values[:, COLUMNS.index("YrSold")] * 12 + values[:, COLUMNS.index("MoSold")]
    rows, estimates = fold.fit.held_out, fold.stretch.apply(fold.fit.log_prices)
    mean, deviation = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    for month in np.unique(months[rows]):
        sold = fold.fit.training[months[fold.fit.training] < month]
        chosen = np.flatnonzero(months[rows] == month)
        if len(sold):
            mean[chosen], deviation[chosen] = _adjusted(values, log_prices, estimates, sold, rows[chosen])
    return Evidence(evidence.log_price, evidence.below, evidence.above, mean, deviation)


def _adjusted(values: Floats, log_prices: Floats, estimates: Floats, sold: Rows, rows: Rows) -> tuple[Floats, Floats]:
    """Return mean and deviation of the adjusted log prices of houses `rows`, with the houses `sold` as comparables."""
    positions, distances = neighbours_of(values[sold]).nearest(values[rows], DEFAULT_K)
    sales = sold[positions]
    ratios = estimates[rows][:, np.newaxis] - estimates[sales]
    return adjusted(log_prices[sales], ratios, positions, distances)


def _unknown(count: int) -> Evidence:
    return Evidence(*(np.full(count, np.nan) for _ in range(5)))


def _put[T: (Evidence, Estimates)](whole: T, rows: Rows, part: T) -> None:
    """Write a part into the rows of a whole."""
    for name, column in vars(part).items():
        getattr(whole, name)[rows] = column
