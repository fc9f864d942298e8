"""An affine correction of the log price that limits the price-related bias.

Estimates of the log price are pulled towards the mean: cheap houses are estimated too high and expensive ones too low.
A part of this is inherent to estimates with the smallest error. The correction stretches the estimates until the
price-related bias (`housing_price_survey.ratio_study`) is within a limit.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from housing_price_model.artefact.served import Floats
from housing_price_survey.ratio_study import price_related_bias

MAX_BIAS: Final = 0.035
"""Maximum price-related bias of held-out estimates; on other houses it is a little larger. The IAAO allows 0.05."""

MAX_SLOPE: Final = 1.25
"""Maximum slope of the correction; its inverse is the minimum."""

_STEPS: Final = 20
_TOLERANCE: Final = 1e-4


@dataclass(frozen=True)
class Stretch:
    """The correction `pivot + slope * (log price - pivot)`."""

    pivot: float = 0.0
    slope: float = 1.0

    @classmethod
    def fit(cls, log_prices: Floats, estimates: Floats) -> "Stretch":
        """Find the slope nearest to 1 whose bias is within `MAX_BIAS`.

        Args:
            log_prices: The (n,) log sale prices.
            estimates: Their (n,) held-out estimates.
        """
        prices, pivot = np.exp(log_prices).tolist(), float(np.mean(estimates))

        def bias(slope: float) -> float:
            found = price_related_bias(np.exp(cls(pivot, slope).apply(estimates)).tolist(), prices)
            return found.value if found else 0.0

        first = bias(1.0)
        if abs(first) <= MAX_BIAS:
            return cls(pivot, 1.0)
        target = float(np.copysign(MAX_BIAS, first))
        # The bias rises with the slope: about 0.7 per unit, which makes the first step nearly right.
        within, beyond = (MAX_SLOPE, 1.0) if first < target else (1 / MAX_SLOPE, 1.0)
        slope = float(np.clip(1 - (first - target) / np.log(2), 1 / MAX_SLOPE, MAX_SLOPE))
        for _ in range(_STEPS):
            if abs(reached := bias(slope) - target) < _TOLERANCE:
                break
            if (reached < 0) == (first < target):
                beyond = slope
            else:
                within = slope
            slope = (within + beyond) / 2
        return cls(pivot, slope)

    def apply(self, estimates: Floats) -> Floats:
        """Correct (n,) estimates of the log price."""
        return self.pivot + self.slope * (estimates - self.pivot)
