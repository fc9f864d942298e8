"""How a shadow's prices differ from those that were answered."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest
from sys import intern
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from housing_price_model.errors import LogError
from housing_price_model.prediction_log.reader import PredictionLog, Window
from housing_price_model.shadow.pairs import Estimate, Pair, pairs, sold_pairs

WORST: Final = 10
"""So many of the largest differences are named."""

FAR: Final = (0.05, 0.10)
"""Differences beyond which houses are counted, as shares of the price that was answered."""


@dataclass(frozen=True)
class Differences:
    """What sets the shadow's prices apart: the shadow's less the answered one, in US dollars, or as a share of it.

    Attributes:
        rows: How many houses.
        mean_usd: The mean, with its sign; `median_usd` the median.
        median_share: The median of the sizes, as a share of the answered price.
        beyond: For each limit of `FAR`, the share of the houses that differ by more.
    """

    rows: int
    mean_usd: float
    median_usd: float
    median_share: float
    beyond: Sequence[float]

    @classmethod
    def of(cls, differences: npt.NDArray[np.float64], answered: npt.NDArray[np.float64]) -> "Differences":
        """Measure at least one."""
        shares = np.abs(differences) / answered
        return cls(
            len(differences),
            float(differences.mean()),
            float(np.median(differences)),
            float(np.median(shares)),
            [float((shares > limit).mean()) for limit in FAR],
        )

    def to_json(self) -> dict[str, Any]:
        """Give it for other programs."""
        beyond = {f"beyond_{limit * 100:.0f}_percent": share for limit, share in zip(FAR, self.beyond, strict=True)}
        return {
            "rows": self.rows,
            "mean_usd": self.mean_usd,
            "median_usd": self.median_usd,
            "median_share": self.median_share,
            **beyond,
        }


@dataclass(frozen=True)
class Realised:
    """How far off one of the two was, of the houses that were sold since.

    Attributes:
        mae_usd: The mean absolute error, in US dollars.
        rmsle: The root of the mean squared error of the log price.
        coverage: The share of sale prices inside its interval.
    """

    mae_usd: float
    rmsle: float
    coverage: float

    @classmethod
    def of(cls, sales: Sequence[tuple[float, Estimate]]) -> "Realised":
        """Measure at least one sale."""
        sold = np.array([paid for paid, _ in sales])
        said = np.array([one.price for _, one in sales])
        logs = np.log(said / sold)
        return cls(
            float(np.abs(said - sold).mean()),
            float(np.sqrt((logs**2).mean())),
            float(np.mean([one.covers(paid) for paid, one in sales])),
        )

    def to_json(self) -> dict[str, float]:
        """Give it for other programs."""
        return {"mae_usd": self.mae_usd, "rmsle": self.rmsle, "coverage": self.coverage}


@dataclass(frozen=True)
class ShadowComparison:
    """What a comparison found.

    Attributes:
        version: The version that was the shadow.
        answered_by: The version whose answers it was compared with; None for all.
        window: When they were answered.
        total: The differences of all houses; `by_group` those of each neighbourhood.
        worst: The largest differences by their size, with their transactions.
        answered_covers: The share of the shadow's prices inside the answered interval; `shadow_covers` the reverse.
        sales: How many of the houses were sold since; `answered` and `shadow` say how far off both were, None without.
    """

    version: str
    answered_by: str | None
    window: Window
    total: Differences
    by_group: dict[str, Differences]
    worst: Sequence[Pair]
    answered_covers: float
    shadow_covers: float
    sales: int
    answered: Realised | None
    shadow: Realised | None

    def to_json(self) -> dict[str, Any]:
        """Give all of it for other programs."""
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
    """Compare what a version said as a shadow with what was answered, house by house.

    Args:
        log: The prediction log.
        window: When the prices were answered.
        version: The version that was the shadow.
        answered_by: Only answers of this version.

    Raises:
        LogError: the log cannot be read, or holds no such prices.
    """
    # Numbers only: a window may hold millions of houses.
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

    worst = nlargest(WORST, counted(), key=lambda one: abs(one.shadow.price - one.answered.price))
    if not worst:
        answers = f"answers of version {answered_by}" if answered_by else "answers"
        raise LogError(f"version {version} was no shadow of any {answers} in this time ({window})")
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
        answered=Realised.of([(paid, one) for paid, one, _ in sales]) if sales else None,
        shadow=Realised.of([(paid, one) for paid, _, one in sales]) if sales else None,
    )
