"""Statistics of the differences between a shadow's prices and the answered prices."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest
from sys import intern
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from housing_price_model.errors import LogError
from housing_price_model.prediction_log.reader import PredictionLog
from housing_price_model.prediction_log.rows import Window
from housing_price_model.shadow.pairs import Estimate, Pair, pairs, sold_pairs

MAX_WORST: Final = 10
"""Number of largest differences to list."""

THRESHOLDS: Final = (0.05, 0.10)
"""Difference thresholds for counting houses, as shares of the answered price."""


@dataclass(frozen=True)
class Differences:
    """Differences between the shadow's price and the answered price (shadow minus answered)."""

    rows: int
    """Number of houses."""
    mean_usd: float
    """Mean signed difference in US dollars; `median_usd` is the median."""
    median_usd: float
    median_share: float
    """Median absolute difference as a share of the answered price."""
    beyond: Sequence[float]
    """For each of `THRESHOLDS`, the share of the houses with a larger difference."""

    @classmethod
    def of(cls, differences: npt.NDArray[np.float64], answered: npt.NDArray[np.float64]) -> "Differences":
        """Compute the statistics of at least one house."""
        shares = np.abs(differences) / answered
        return cls(
            len(differences),
            float(differences.mean()),
            float(np.median(differences)),
            float(np.median(shares)),
            [float((shares > limit).mean()) for limit in THRESHOLDS],
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        beyond = {
            f"beyond_{limit * 100:.0f}_percent": share for limit, share in zip(THRESHOLDS, self.beyond, strict=True)
        }
        return {
            "rows": self.rows,
            "mean_usd": self.mean_usd,
            "median_usd": self.median_usd,
            "median_share": self.median_share,
            **beyond,
        }


@dataclass(frozen=True)
class Accuracy:
    """Accuracy of one of the two models against known sale prices."""

    mae_usd: float
    """Mean absolute error in US dollars."""
    rmsle: float
    """Root mean squared error of the log price."""
    coverage: float
    """Share of sale prices inside the interval."""

    @classmethod
    def of(cls, sales: Sequence[tuple[float, Estimate]]) -> "Accuracy":
        """Compute the accuracy over at least one sale, given as (sale price, estimate)."""
        sold = np.array([paid for paid, _ in sales])
        predicted = np.array([one.price for _, one in sales])
        logs = np.log(predicted / sold)
        return cls(
            float(np.abs(predicted - sold).mean()),
            float(np.sqrt((logs**2).mean())),
            float(np.mean([one.covers(paid) for paid, one in sales])),
        )

    def to_json(self) -> dict[str, float]:
        """Return the JSON object."""
        return {"mae_usd": self.mae_usd, "rmsle": self.rmsle, "coverage": self.coverage}


@dataclass(frozen=True)
class ShadowComparison:
    """The result of a comparison."""

    version: str
    """The shadow's version."""
    answered_by: str | None
    """The version whose answers are compared; None for all."""
    window: Window
    """Time window of the answers."""
    total: Differences
    """Differences over all houses; `by_group` by neighbourhood."""
    by_group: dict[str, Differences]
    worst: Sequence[Pair]
    """The pairs with the largest absolute differences."""
    answered_covers: float
    """Share of the shadow's prices inside the answered interval; `shadow_covers` is the reverse."""
    shadow_covers: float
    sales: int
    """Number of houses with a known sale price; `answered` and `shadow` are the accuracy for these, None without sales.
    """
    answered: Accuracy | None
    shadow: Accuracy | None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON document."""
        start, end = self.window.start, self.window.end
        return {
            "version": 1,
            "shadow": self.version,
            "answered_by": self.answered_by,
            "from": start and start.isoformat(),
            "to": end and end.isoformat(),
            "total": self.total.to_json(),
            "by_neighbourhood": {name: one.to_json() for name, one in self.by_group.items()},
            "worst": [
                {
                    "transaction": one.transaction,
                    "neighbourhood": one.group,
                    "answered_usd": one.answered.price,
                    "shadow_usd": one.shadow.price,
                }
                for one in self.worst
            ],
            "shadow_inside_answered_interval": self.answered_covers,
            "answered_inside_shadow_interval": self.shadow_covers,
            "realised": {
                "sales": self.sales,
                "answered": self.answered and self.answered.to_json(),
                "shadow": self.shadow and self.shadow.to_json(),
            },
        }


def compare_shadow(
    log: PredictionLog, window: Window, version: str, answered_by: str | None = None
) -> ShadowComparison:
    """Compare a shadow's prices with the answered prices, house by house.

    Args:
        log: The prediction log.
        window: Time window of the answers.
        version: The shadow's version.
        answered_by: Only compare answers of this version.

    Raises:
        LogError: the log cannot be read, or has no such shadow prices.
    """
    # Keep only numbers in memory: a window may contain millions of houses.
    differences_, answered_, groups_ = array("d"), array("d"), list[str]()
    covered = [0, 0]

    def counted() -> Iterator[Pair]:
        for one in pairs(log, window, version, answered_by):
            differences_.append(one.shadow.price - one.answered.price)
            answered_.append(one.answered.price)
            groups_.append(intern(one.group or ""))
            covered[0] += one.answered.covers(one.shadow.price)
            covered[1] += one.shadow.covers(one.answered.price)
            yield one

    worst = nlargest(MAX_WORST, counted(), key=lambda one: abs(one.shadow.price - one.answered.price))
    if not worst:
        answers = f"answers of version {answered_by}" if answered_by else "answers"
        raise LogError(f"version {version} did not shadow any {answers} in this window ({window})")
    differences, answered, groups = np.asarray(differences_), np.asarray(answered_), np.asarray(groups_)
    by_group = {str(name): groups == name for name in sorted(set(groups.tolist()) - {""})}
    sales = list(sold_pairs(log, window, version, answered_by))
    return ShadowComparison(
        version=version,
        answered_by=answered_by,
        window=window,
        total=Differences.of(differences, answered),
        by_group={name: Differences.of(differences[rows], answered[rows]) for name, rows in by_group.items()},
        worst=worst,
        answered_covers=covered[0] / len(differences),
        shadow_covers=covered[1] / len(differences),
        sales=len(sales),
        answered=Accuracy.of([(paid, one) for paid, one, _ in sales]) if sales else None,
        shadow=Accuracy.of([(paid, one) for paid, _, one in sales]) if sales else None,
    )
