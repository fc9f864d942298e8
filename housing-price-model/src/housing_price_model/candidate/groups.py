"""Measures estimates overall, by neighbourhood and by price band."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from housing_price_model.artefact.served import Floats
from housing_price_model.fitting.evaluate import Estimates, metrics
from housing_price_model.fitting.ratio_studies import ratio_studies
from housing_price_model.reference.tally import GROUP
from housing_price_model.survey.data import Houses
from housing_price_model.training.held_out_estimates import HeldOut, fingerprints

BANDS: Final = (0, 100_000, 150_000, 200_000, 300_000)
"""Lower bounds of the price bands, in US dollars. They are fixed, so that runs can be compared."""

MAX_Z: Final = 1000.0
"""Bound of |z|: JSON has no infinity, and z is infinite if all differences are equal."""

NEIGHBOURHOOD: Final = "neighbourhood"
BAND: Final = "price band"


@dataclass(frozen=True)
class Group:
    """Houses that are evaluated together."""

    kind: str
    name: str
    rows: npt.NDArray[np.int64]


def groups(houses: Houses) -> Iterator[Group]:
    """Yield each neighbourhood and each price band that has houses."""
    names = houses.features[GROUP].to_numpy()
    for name in sorted(set(names.tolist())):
        yield Group(NEIGHBOURHOOD, name, np.flatnonzero(names == name))
    ends = (*BANDS[1:], np.inf)
    for low, high in zip(BANDS, ends, strict=True):
        rows = np.flatnonzero((houses.prices >= low) & (houses.prices < high))
        if len(rows):
            yield Group(BAND, f"{low:,} to {high:,.0f} USD" if high < np.inf else f"from {low:,} USD", rows)


def select_rows(estimates: Estimates, rows: npt.NDArray[np.int64]) -> Estimates:
    """Return the estimates of some rows."""
    return Estimates(estimates.price[rows], estimates.low[rows], estimates.high[rows])


def held_out_estimates(houses: Houses, held_out: HeldOut) -> tuple[Estimates, npt.NDArray[np.bool_]]:
    """Look up the cross-validated price of each house; the second value marks the houses that have one."""
    found = [held_out.estimates.get(name) for name in fingerprints(houses.features)]
    known = np.array([one is not None for one in found])
    values = np.array([one or (np.nan,) * 3 for one in found], dtype=np.float64).reshape(-1, 3)
    return Estimates(values[:, 0], values[:, 1], values[:, 2]), known


def measure(houses: Houses, estimates: Estimates) -> dict[str, Any]:
    """Measure overall, in each group, and as ratio studies."""
    return {
        "overall": {"houses": len(houses)} | metrics(houses.prices, estimates),
        "groups": [
            {"kind": one.kind, "name": one.name, "houses": len(one.rows), **_of_group(houses, estimates, one)}
            for one in groups(houses)
        ],
        "ratio_studies": ratio_studies(houses, estimates.price),
    }


def paired_z(actual: Floats, ours: Floats, theirs: Floats) -> float:
    """Compute the paired z statistic: whether one model's prices of n houses are worse than another's beyond chance.

    z is the mean over houses of the difference of squared log-price errors (ours minus theirs), divided by its standard
    error. Pairing removes the difficulty of each house, which affects both errors.

    Args:
        actual: (n,) prices paid, in US dollars.
        ours: (n,) prices of the first model, in US dollars.
        theirs: (n,) prices of the second model, in US dollars.

    Returns:
        z, above 0 if ours are worse; 0 for a single house, whose standard error is undefined.
    """
    paid = np.log(actual)
    differences = (np.log(ours) - paid) ** 2 - (np.log(theirs) - paid) ** 2
    mean = float(differences.mean())
    if len(differences) == 1 or mean == 0:
        return 0.0
    standard_error = float(differences.std(ddof=1)) / len(differences) ** 0.5
    return float(np.clip(mean / standard_error if standard_error else mean * np.inf, -MAX_Z, MAX_Z))


def _of_group(houses: Houses, estimates: Estimates, group: Group) -> dict[str, float]:
    found = metrics(houses.prices[group.rows], select_rows(estimates, group.rows))
    return {name: found[name] for name in ("rmsle", "mae_usd", "coverage")}
