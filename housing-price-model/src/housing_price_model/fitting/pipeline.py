"""The estimators: log price from a linear model and trees, and the spread of its error.

The log price is the weighted mean of a robust ridge regression and of gradient boosted trees. The regression
extrapolates, the trees find steps and interactions, and their errors differ. The spread is a smaller tree ensemble that
learns the size of the error.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor

from housing_price_model.artefact.served import SUBCLASS, Encoder, Features, Floats
from housing_price_model.fitting.calibration import Stretch
from housing_price_model.fitting.robust_ridge import RobustRidge
from housing_price_model.survey.veneer import NO_VENEER, TYPE
from housing_price_survey.columns import CATEGORIES, COLUMNS, OPTIONAL, SUBCLASSES

ENCODER: Final = Encoder(COLUMNS, {SUBCLASS: SUBCLASSES, **CATEGORIES}, sorted(OPTIONAL))
FEATURES: Final = Features(ENCODER)
_NO_VENEER: Final = [FEATURES.names().index(f"{TYPE}={value}") for value in (NO_VENEER, "blank")]


@dataclass(frozen=True)
class Recipe:
    """Training parameters; the defaults are those of the served model."""

    linear_share: float = 0.4
    ridge_alpha: float = 150.0
    ridge_threshold: float = 1.5
    trees: int = 500
    learning_rate: float = 0.05
    max_depth: int = 4
    max_features: int = 40
    subsample: float = 0.5
    min_samples_leaf: int = 2
    spread_trees: int = 100
    spread_learning_rate: float = 0.05
    spread_depth: int = 3
    spread_max_features: int = 40
    spread_min_samples_leaf: int = 20
    folds: int = 5
    level: float = 0.9


@dataclass(frozen=True)
class Ranges:
    """The range of each encoded column in the training data; values are clipped to it.

    A categorical column has the range of its declared categories. Both arrays have shape (columns,).
    """

    lowest: Floats
    highest: Floats

    @classmethod
    def of(cls, values: Floats) -> "Ranges":
        """Compute the ranges of (n, columns) encoded values; a numeric column without values has the range 0 to 0."""
        lowest, highest = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
        for i, name in enumerate(ENCODER.columns):
            if name in ENCODER.categories:
                lowest[i], highest[i] = 0, len(ENCODER.categories[name]) - 1
        return cls(np.nan_to_num(lowest), np.nan_to_num(highest))

    def matrix(self, values: Floats) -> Floats:
        """Convert (n, columns) encoded values to the (n, features) matrix of the estimators.

        The columns of the veneer "None" and of a blank veneer are constant, so the estimators ignore them: the other
        kinds of veneer are all 0 then. Tools that confuse the word with a missing value therefore get the same price.
        """
        matrix = FEATURES.matrix(np.clip(values, self.lowest, self.highest))
        matrix[:, _NO_VENEER] = 0.0
        return matrix


@dataclass(frozen=True)
class PriceFit:
    """Estimators of the log price, and the correction of their estimates."""

    ranges: Ranges
    linear: RobustRidge
    trees: GradientBoostingRegressor
    linear_share: float
    stretch: Stretch

    @classmethod
    def fit(cls, values: Floats, log_prices: Floats, recipe: Recipe, seed: int) -> "PriceFit":
        """Fit on (n, columns) encoded values and (n,) log prices; the estimates are not corrected yet."""
        ranges = Ranges.of(values)
        matrix = ranges.matrix(values)
        linear = RobustRidge.fit(matrix, log_prices, recipe.ridge_alpha, recipe.ridge_threshold)
        trees = GradientBoostingRegressor(
            n_estimators=recipe.trees,
            learning_rate=recipe.learning_rate,
            max_depth=recipe.max_depth,
            max_features=recipe.max_features,
            subsample=recipe.subsample,
            min_samples_leaf=recipe.min_samples_leaf,
            random_state=seed,
        )
        # Outliers of the linear model get less weight in the trees as well.
        trees.fit(matrix, log_prices, sample_weight=linear.weights)
        return cls(ranges, linear, trees, recipe.linear_share, Stretch())

    def predict(self, values: Floats) -> Floats:
        """Estimate the (n,) log prices."""
        matrix = self.ranges.matrix(values)
        linear, trees = self.linear.predict(matrix), self.trees.predict(matrix)
        return self.stretch.apply(np.asarray(self.linear_share * linear + (1 - self.linear_share) * trees))


@dataclass(frozen=True)
class SpreadFit:
    """Trees that estimate the absolute error of the log price.

    They learn its square root, so that a few very large errors do not widen the intervals of similar houses.
    """

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
            max_features=recipe.spread_max_features,
            subsample=recipe.subsample,
            min_samples_leaf=recipe.spread_min_samples_leaf,
            random_state=seed,
        )
        roots = np.sqrt(np.abs(errors))
        # A tenth of the median error is the minimum, so that no interval collapses.
        return cls(ranges, trees.fit(ranges.matrix(values), roots), float(np.sqrt(np.median(np.abs(errors)) / 10)))

    def predict(self, values: Floats) -> Floats:
        """Estimate the (n,) typical absolute error of the log price."""
        return np.asarray(np.maximum(self.trees.predict(self.ranges.matrix(values)), self.floor) ** 2)
