"""Errors of predictions against known sale prices, by model version and month of sale."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Any

from housing_price_model.prediction_log.reader import PredictionLog
from housing_price_model.prediction_log.rows import Sale, Window


@dataclass
class RealisedError:
    """The errors of one version in one month."""

    model_version: str
    """The model version."""
    month: str
    """Month of the sales, like `2026-11`, or `all`."""
    count: int = 0
    """Number of known sale prices."""
    _absolute_usd: float = 0.0
    _squared_logs: float = 0.0
    _covered: int = 0

    def add(self, sale: Sale) -> None:
        """Add one sale."""
        self.count += 1
        self._absolute_usd += abs(sale.price - sale.sold)
        self._squared_logs += log(sale.price / sale.sold) ** 2
        self._covered += sale.low <= sale.sold <= sale.high

    @property
    def mae_usd(self) -> float:
        """Mean absolute error in US dollars."""
        return self._absolute_usd / self.count

    @property
    def rmsle(self) -> float:
        """Root mean squared error of the log price."""
        return sqrt(self._squared_logs / self.count)

    @property
    def coverage(self) -> float:
        """Share of sale prices inside their interval."""
        return self._covered / self.count

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "model_version": self.model_version,
            "month": self.month,
            "count": self.count,
            "mae_usd": self.mae_usd,
            "rmsle": self.rmsle,
            "coverage": self.coverage,
        }


def realised_errors(log_: PredictionLog, window: Window) -> Sequence[RealisedError]:
    """Compute the errors of each version, by month and over all months, for houses priced in a window."""
    found: dict[tuple[str, str], RealisedError] = {}
    for sale in log_.sales(window):
        for month in (sale.month, "all"):
            found.setdefault((sale.model_version, month), RealisedError(sale.model_version, month)).add(sale)
    return [found[key] for key in sorted(found)]
