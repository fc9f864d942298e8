"""Defines when a difference raises the alarm: it must be statistically significant and large enough to matter."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import numpy as np

from housing_price_model.drift.statistics import holm


class Family(StrEnum):
    """A family of tests whose p-values are corrected together."""

    INPUTS = "inputs"
    MISSING = "missing values"
    GROUPS = "neighbourhoods"
    PREDICTIONS = "predictions"
    ERRORS = "realised error"


FALSE_ALARMS: Final = MappingProxyType(
    {
        Family.INPUTS: 0.0005,
        Family.MISSING: 0.0005,
        Family.GROUPS: 0.004,
        Family.PREDICTIONS: 0.0005,
        Family.ERRORS: 0.0005,
    }
)
"""Maximum false alarm rate per check and family; 0.6 % in total.

Neighbourhoods have most of it: their only signal is their count, and a neighbourhood with 5 % of the houses must be
detected when it triples among 500 rows. For columns, a change that is large enough to matter is far beyond chance.
"""

MODERATE_PSI: Final = 0.1
MAJOR_PSI: Final = 0.25
"""The usual thresholds: below 0.1 no shift, from 0.25 a major one (Lewis 1994, "An Introduction to Credit Scoring";
Siddiqi 2006). They ignore the number of rows, so here they only define which differences are large enough to matter."""

MIN_KS: Final = 0.1
"""Minimum Kolmogorov-Smirnov distance that matters: a tenth of the rows has moved."""

MIN_RATIO: Final = 1.5
MIN_POINTS: Final = 0.01
"""A change of a share matters from a factor of 1.5 (or its inverse) and one percentage point on."""

MIN_H: Final = 0.2
"""Minimum Cohen's h that matters ("small" effect); used for rates, which may be near 0 or 1."""

MIN_ROWS: Final = 50
"""Minimum number of rows for a verdict."""


_LABELS: Final = {"psi": "PSI", "ks": "KS", "h": "h"}


@dataclass(frozen=True)
class Finding:
    """The result of one test."""

    family: Family
    """The family for the correction of p-values."""
    subject: str
    """The tested column, neighbourhood or quantity."""
    measure: str
    """The effect measure: `psi`, `ks`, `share` or `h`."""
    effect: float
    """Effect size."""
    matters: bool
    """Whether the effect is large enough to matter."""
    p_value: float
    """Probability of a difference at least this large without drift."""
    says: str
    """Description of the difference."""
    adjusted: float = 1.0
    """The p-value corrected for all tests of the family."""
    is_silent: bool = False
    """Whether the finding is shown but never raises the alarm."""

    @property
    def measured(self) -> str:
        """The effect as text, like `PSI 0.35`; empty for a share, whose effect is in `says`."""
        return "" if self.measure == "share" else f"{_LABELS[self.measure]} {self.effect:.2f}"

    @property
    def is_significant(self) -> bool:
        """Whether the difference is statistically significant."""
        return self.adjusted <= FALSE_ALARMS[self.family]

    @property
    def is_alarm(self) -> bool:
        """Whether the finding raises the alarm."""
        return self.is_significant and self.matters and not self.is_silent


def corrected(findings: Iterable[Finding]) -> Sequence[Finding]:
    """Correct the p-values within each family, and sort: alarms first, then by p-value."""
    by_family: dict[Family, list[Finding]] = {}
    for finding in findings:
        by_family.setdefault(finding.family, []).append(finding)
    result = []
    for members in by_family.values():
        adjusted = holm(np.array([finding.p_value for finding in members]))
        result += [replace(one, adjusted=float(value)) for one, value in zip(members, adjusted, strict=True)]
    return sorted(result, key=lambda one: (not one.is_alarm, one.adjusted, one.p_value, -one.effect))


def share_matters(logged: float, reference: float) -> bool:
    """Return whether the change of a share is large enough to matter."""
    low, high = sorted((logged, reference))
    return high >= MIN_RATIO * low and high - low >= MIN_POINTS
