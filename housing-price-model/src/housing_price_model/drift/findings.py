"""When a difference is an alarm: it must be larger than chance makes it, and large enough to matter."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import numpy as np

from housing_price_model.drift.statistics import holm


class Family(StrEnum):
    """Tests that are corrected together."""

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
"""At most these shares of checks raise an alarm when nothing has drifted, 0.6 % together.

The neighbourhoods have most of it: nothing tells as much of one of them as its own count, and one with 5 % of the
houses has to be seen tripled among 500 rows. What changes a column enough to matter is far beyond chance there.
"""

MODERATE_PSI: Final = 0.1
MAJOR_PSI: Final = 0.25
"""The rule of thumb: below 0.1 no shift, from 0.25 a major one (Lewis 1994, "An Introduction to Credit Scoring";
Siddiqi 2006). It knows nothing of the number of rows, so here it only says what is large enough to matter."""

LEAST_KS: Final = 0.1
"""The distance of distribution functions that matters: a tenth of the rows lies elsewhere."""

LEAST_RATIO: Final = 1.5
LEAST_POINTS: Final = 0.01
"""A share of all rows matters from half as much again (or a third less), and one percentage point."""

LEAST_H: Final = 0.2
"""Cohen's "small" effect, for rates that lie near 0 or 1."""

LEAST_ROWS: Final = 50
"""With fewer nothing is judged."""


_WRITTEN: Final = {"psi": "PSI", "ks": "KS", "h": "h"}


@dataclass(frozen=True)
class Finding:
    """One test.

    Attributes:
        family: What it is corrected with.
        subject: The column, the neighbourhood or the quantity that was looked at.
        measure: What was measured: `psi`, `ks`, `share`, `h`.
        effect: How large the difference is, by that measure.
        matters: Whether that is large enough to matter.
        p_value: How likely chance alone makes a difference as large as this.
        adjusted: The same, corrected for all tests of the family.
        says: What is different, in words.
        is_silent: Whether it is shown only and never raises the alarm.
    """

    family: Family
    subject: str
    measure: str
    effect: float
    matters: bool
    p_value: float
    says: str
    adjusted: float = 1.0
    is_silent: bool = False

    @property
    def measured(self) -> str:
        """Write the effect: `PSI 0.35`; nothing for a share, whose effect is what is said."""
        return "" if self.measure == "share" else f"{_WRITTEN[self.measure]} {self.effect:.2f}"

    @property
    def is_significant(self) -> bool:
        """Whether chance is no explanation."""
        return self.adjusted <= FALSE_ALARMS[self.family]

    @property
    def is_alarm(self) -> bool:
        """Whether someone should look."""
        return self.is_significant and self.matters and not self.is_silent


def corrected(findings: Iterable[Finding]) -> Sequence[Finding]:
    """Adjust the p-values within each family; alarms come first, then what is least likely chance."""
    by_family: dict[Family, list[Finding]] = {}
    for finding in findings:
        by_family.setdefault(finding.family, []).append(finding)
    done = []
    for members in by_family.values():
        adjusted = holm(np.array([finding.p_value for finding in members]))
        done += [replace(one, adjusted=float(value)) for one, value in zip(members, adjusted, strict=True)]
    return sorted(done, key=lambda one: (not one.is_alarm, one.adjusted, one.p_value, -one.effect))


def share_matters(logged: float, reference: float) -> bool:
    """Whether the share of a group differs enough to matter."""
    low, high = sorted((logged, reference))
    return high >= LEAST_RATIO * low and high - low >= LEAST_POINTS
