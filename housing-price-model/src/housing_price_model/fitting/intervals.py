"""Prediction intervals with a guaranteed coverage and a width that depends on the house.

Normalised conformal prediction (Papadopoulos, Gammerman & Vovk 2008; Lei et al. 2018, section 5.2): held-out errors of
the log price are divided by their estimated size, and the quantiles of that ratio bound the error of a new house. Both
tails have the same probability, so a skewed error distribution gives an asymmetric interval.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import KFold

from housing_price_model.artefact.served import Floats
from housing_price_model.fitting.pipeline import Recipe, SpreadFit


@dataclass(frozen=True)
class Interval:
    """The bounds `log price - below * spread` and `log price + above * spread`."""

    spread: SpreadFit
    """Estimates the typical error of a house."""
    below: float
    """Length of the lower part of the interval, in typical errors."""
    above: float
    """Length of the upper part."""
    held_out_spread: Floats
    """The typical error of each house of the calibration, estimated without it; shape (n,)."""

    @classmethod
    def fit(cls, values: Floats, errors: Floats, recipe: Recipe, seed: int) -> "Interval":
        """Calibrate on the held-out errors `log price - estimate`; shape (n,).

        The ratios use held-out spreads too: a fitted spread is too optimistic for its own training houses.
        """
        ratios, spreads = np.empty(len(errors)), np.empty(len(errors))
        for fitted, held_out in KFold(recipe.folds, shuffle=True, random_state=seed).split(values):
            spread = SpreadFit.fit(values[fitted], errors[fitted], recipe, seed)
            spreads[held_out] = spread.predict(values[held_out])
            ratios[held_out] = errors[held_out] / spreads[held_out]
        tail = (1 - recipe.level) / 2
        # The conformal quantile of n ratios: the ceil((n + 1)(1 - tail))-th smallest (Lei et al. 2018, section 2.2).
        rank = min(len(ratios), int(np.ceil((len(ratios) + 1) * (1 - tail)))) - 1
        below, above = np.sort(-ratios)[rank], np.sort(ratios)[rank]
        # Bounds of at least 0 keep the price itself inside its interval.
        spread = SpreadFit.fit(values, errors, recipe, seed)
        return cls(spread, max(float(below), 0.0), max(float(above), 0.0), spreads)

    def bounds(self, values: Floats, log_prices: Floats) -> tuple[Floats, Floats]:
        """Return the lower and upper log prices of n estimated log prices; each has shape (n,)."""
        spread = self.spread.predict(values)
        return log_prices - self.below * spread, log_prices + self.above * spread
