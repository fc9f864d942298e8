"""Draws the plots of a training run. Does not use pyplot, which keeps global state."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from housing_price_model.artefact.served import Floats
from housing_price_model.fitting.evaluate import CrossValidation
from housing_price_model.fitting.pipeline import ENCODER, PriceFit
from housing_price_model.survey.data import Houses

_SHUFFLED_ROWS: Final = 600
_SHOWN_FEATURES: Final = 20


def draw(houses: Houses, validation: CrossValidation, price: PriceFit, seed: int) -> dict[str, Figure]:
    """Draw all plots, keyed by file name."""
    return {
        "actual_against_predicted.png": _actual_against_predicted(houses.prices, validation),
        "residuals.png": _residuals(validation),
        "error_by_neighbourhood.png": _error_by_neighbourhood(houses, validation),
        "most_important_features.png": _most_important_features(houses, price, seed),
    }


def _actual_against_predicted(prices: Floats, validation: CrossValidation) -> Figure:
    figure, axes = _figure("Held-out estimates", "estimate, USD", "price paid, USD")
    estimates = validation.estimates
    order = np.argsort(estimates.price)
    axes.fill_between(
        estimates.price[order], estimates.low[order], estimates.high[order], alpha=0.2, label="prediction interval"
    )
    axes.scatter(estimates.price, prices, s=4, label="house")
    axes.axline((1e5, 1e5), slope=1, color="black", linewidth=0.8)
    axes.set(xscale="log", yscale="log")
    axes.legend()
    return figure


def _residuals(validation: CrossValidation) -> Figure:
    figure, axes = _figure("Held-out errors", "estimate, USD", "log price minus log estimate")
    axes.scatter(validation.estimates.price, validation.errors, s=4)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(xscale="log")
    return figure


def _error_by_neighbourhood(houses: Houses, validation: CrossValidation) -> Figure:
    figure, axes = _figure("Held-out errors by neighbourhood", "log price minus log estimate", "")
    names = sorted(houses.features["Neighborhood"].unique())
    groups = [validation.errors[(houses.features["Neighborhood"] == name).to_numpy()] for name in names]
    axes.boxplot(groups, orientation="horizontal", tick_labels=names, flierprops={"markersize": 2})
    axes.axvline(0, color="black", linewidth=0.8)
    return figure


def _most_important_features(houses: Houses, price: PriceFit, seed: int) -> Figure:
    figure, axes = _figure("Most important columns", "mean change of the log estimate when shuffled", "")
    changes = importance(ENCODER.encode(houses.features), price, seed)
    largest = sorted(changes.items(), key=lambda item: item[1])[-_SHOWN_FEATURES:]
    axes.barh([name for name, _ in largest], [change for _, change in largest])
    return figure


def importance(values: Floats, price: PriceFit, seed: int) -> dict[str, float]:
    """Measure permutation importance: the change of the estimate when one column is shuffled.

    Args:
        values: Encoded houses; shape (n, columns).
        price: The fitted price model.
        seed: The random seed of the sample and of the shuffles.

    Returns:
        The mean absolute change of the log price, by column. Breiman 2001, "Random Forests", section 10, uses the
        change of the error instead.
    """
    random = np.random.default_rng(seed)
    sample = values[random.permutation(len(values))[:_SHUFFLED_ROWS]]
    before = price.predict(sample)
    changes = {}
    for index, name in enumerate(ENCODER.columns):
        shuffled = sample.copy()
        shuffled[:, index] = random.permutation(shuffled[:, index])
        changes[name] = float(np.mean(np.abs(price.predict(shuffled) - before)))
    return changes


def _figure(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(8, 6), layout="constrained")
    axes = figure.add_subplot(title=title, xlabel=x, ylabel=y)
    return figure, axes
