"""What is learned: a price from a linear model and trees, and how far off it may be.

The log price is the mean of a ridge regression and of gradient boosted trees: the one extrapolates, the other finds
steps and interactions, and their errors differ. The spread is a third, small ensemble that learns the size of the
error.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from housing_price_model.served import SUBCLASS, Encoder, Features, Floats
from housing_price_model.vocabulary import CATEGORIES, COLUMNS, NUMBERS, OPTIONAL, SUBCLASSES

ENCODER: Final = Encoder(COLUMNS, {SUBCLASS: SUBCLASSES, **CATEGORIES}, sorted(OPTIONAL))
FEATURES: Final = Features(ENCODER)


@dataclass(frozen=True)
class Recipe:
    """What can be varied in training; the defaults are what is served."""

    ridge_alpha: float = 150.0
    trees: int = 500
    learning_rate: float = 0.05
    max_depth: int = 4
    max_features: int = 20
    subsample: float = 0.6
    min_samples_leaf: int = 5
    spread_trees: int = 100
    spread_learning_rate: float = 0.05
    spread_depth: int = 3
    spread_min_samples_leaf: int = 20
    folds: int = 5
    level: float = 0.9


@dataclass(frozen=True)
class Ranges:
    """The range of each encoded column in the training data; values outside count as the nearest inside.

    Categories (and their positions) are not limited. Both arrays have shape (columns,).
    """

    lowest: Floats
    highest: Floats

    @classmethod
    def of(cls, values: Floats) -> "Ranges":
        """Take the ranges of (n, columns) encoded values; a column that is always blank has none."""
        limited = np.isin(ENCODER.columns, [name for name in NUMBERS if name != SUBCLASS])
        lowest = np.where(limited, np.fmin.reduce(values, axis=0), -np.inf)
        highest = np.where(limited, np.fmax.reduce(values, axis=0), np.inf)
        return cls(np.nan_to_num(lowest, nan=0.0, neginf=-1e6, posinf=1e6), np.nan_to_num(highest, nan=0.0, posinf=1e6))

    def matrix(self, values: Floats) -> Floats:
        """Turn (n, columns) encoded values into the (n, features) matrix that the estimators see."""
        return FEATURES.matrix(np.clip(values, self.lowest, self.highest))


@dataclass(frozen=True)
class PriceFit:
    """Estimators fitted on the log price."""

    ranges: Ranges
    linear: Pipeline
    trees: GradientBoostingRegressor

    @classmethod
    def fit(cls, values: Floats, log_prices: Floats, recipe: Recipe, seed: int) -> "PriceFit":
        """Fit on (n, columns) encoded values and (n,) log prices."""
        ranges = Ranges.of(values)
        matrix = ranges.matrix(values)
        linear = make_pipeline(StandardScaler(), Ridge(recipe.ridge_alpha))
        trees = GradientBoostingRegressor(
            n_estimators=recipe.trees,
            learning_rate=recipe.learning_rate,
            max_depth=recipe.max_depth,
            max_features=recipe.max_features,
            subsample=recipe.subsample,
            min_samples_leaf=recipe.min_samples_leaf,
            random_state=seed,
        )
        return cls(ranges, linear.fit(matrix, log_prices), trees.fit(matrix, log_prices))

    def predict(self, values: Floats) -> Floats:
        """Estimate the (n,) log prices."""
        matrix = self.ranges.matrix(values)
        return np.asarray((self.linear.predict(matrix) + self.trees.predict(matrix)) / 2)


@dataclass(frozen=True)
class SpreadFit:
    """Trees fitted on the absolute error of the log price."""

    ranges: Ranges
    trees: GradientBoostingRegressor
    floor: float

    @classmethod
    def fit(cls, values: Floats, errors: Floats, recipe: Recipe, seed: int) -> "SpreadFit":
        """Fit on (n, columns) encoded values and (n,) held-out errors of the log price."""
        ranges = Ranges.of(values)
        trees = GradientBoostingRegressor(
            n_estimators=recipe.spread_trees,
            learning_rate=recipe.spread_learning_rate,
            max_depth=recipe.spread_depth,
            max_features=recipe.max_features,
            subsample=recipe.subsample,
            min_samples_leaf=recipe.spread_min_samples_leaf,
            random_state=seed,
        )
        sizes = np.abs(errors)
        # No house is priced with certainty: a tenth of the typical error is the least that is believed.
        return cls(ranges, trees.fit(ranges.matrix(values), sizes), float(np.median(sizes) / 10))

    def predict(self, values: Floats) -> Floats:
        """Estimate the (n,) typical absolute error of the log price."""
        return np.asarray(np.maximum(self.trees.predict(self.ranges.matrix(values)), self.floor))
