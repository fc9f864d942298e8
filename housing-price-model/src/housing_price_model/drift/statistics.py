"""How far two samples are apart, and how likely chance alone puts them so far apart.

Every function is given counts, of n logged rows and of m houses at training. Both are samples: a difference has to be
larger than what two samples of one population show.
"""

from typing import Final

import numpy as np
from scipy import special, stats

from housing_price_model.artefact.served import Floats
from housing_price_model.reference.distribution import Counts, Numbers

_LEAST_EXPECTED: Final = 5
"""Bins in which fewer are expected are counted together (Cochran 1954, "Some Methods for Strengthening ... Tests")."""


def pooled(logged: Counts, reference: Counts) -> tuple[Counts, Counts]:
    """Count together the bins in which chance would put fewer than 5 of the smaller sample; both of shape (bins,)."""
    both = logged + reference
    share_of_smaller = min(int(logged.sum()), int(reference.sum())) / max(int(both.sum()), 1)
    is_rare = both * share_of_smaller < _LEAST_EXPECTED
    if not is_rare.any():
        return logged, reference
    kept, rest = np.flatnonzero(~is_rare), np.flatnonzero(is_rare)
    groups = [[int(at)] for at in kept[np.argsort(both[kept], kind="stable")]] + [[int(at) for at in rest]]
    if both[rest].sum() * share_of_smaller < _LEAST_EXPECTED and len(groups) > 1:
        groups = [[*groups[0], *groups[-1]], *groups[1:-1]]
    return (
        np.array([logged[group].sum() for group in groups], dtype=np.int64),
        np.array([reference[group].sum() for group in groups], dtype=np.int64),
    )


def psi(logged: Counts, reference: Counts) -> float:
    """Population stability index: the sum of (p - q) ln(p / q) over bins.

    Half a row is added to each bin, so that an empty one gives a large value and no infinite one. Without any drift it
    is about (bins - 1) (1/n + 1/m), which at n = 500 is no longer small against 0.1: hence `g_test` beside it (Yurdakul
    2018, "Statistical Properties of Population Stability Index").
    """
    if len(logged) <= 1 or not logged.sum() or not reference.sum():
        return 0.0
    p, q = ((counts + 0.5) / (counts.sum() + 0.5 * len(counts)) for counts in (logged, reference))
    return float(np.sum((p - q) * np.log(p / q)))


def psi_of_chance(bins: int, logged: int, reference: int) -> float:
    """Give the PSI to be expected when nothing has drifted."""
    return (bins - 1) * (1 / max(logged, 1) + 1 / max(reference, 1))


def g_test(logged: Counts, reference: Counts) -> float:
    """Give the p-value of equal shares: the likelihood ratio with Williams' correction (Sokal and Rohlf, "Biometry").

    With 5 expected in a bin its tail is still near that of chi-squared where it matters here, at 1 in 100,000;
    Pearson's is not.
    """
    table = np.array([logged, reference], dtype=np.float64)
    table = table[:, table.sum(axis=0) > 0]
    bins, total = table.shape[1], table.sum()
    if bins <= 1 or (table.sum(axis=1) == 0).any():
        return 1.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    g = 2 * special.xlogy(table, table / expected).sum()
    in_rows, in_bins = (total * np.sum(1 / table.sum(axis=axis)) - 1 for axis in (1, 0))
    correction = 1 + in_rows * in_bins / (6 * total * (bins - 1))
    return float(special.chdtrc(bins - 1, g / correction))


def ks(logged: Numbers, reference: Numbers) -> tuple[float, float]:
    """Kolmogorov and Smirnov's largest distance of two distribution functions, and its p-value.

    With equal values among them the p-value is too large rather than too small.
    """
    if not logged.present or not reference.present:
        return 0.0, 1.0
    distance = float(np.max(np.abs(_gaps(logged, reference))))
    return distance, float(stats.kstwo.sf(distance, max(round(_effective(logged, reference)), 1)))


def ks_larger(logged: Numbers, reference: Numbers) -> tuple[float, float]:
    """The same in one direction: how much larger the logged values are (Smirnov's one-sided limit)."""
    if not logged.present or not reference.present:
        return 0.0, 1.0
    distance = max(float(np.max(-_gaps(logged, reference))), 0.0)
    return distance, float(np.exp(-2 * distance**2 * _effective(logged, reference)))


def share_test(
    logged: Counts, of_logged: Counts, reference: Counts, of_reference: Counts, *, for_more: float = 0.5
) -> Floats:
    """Give for each pair of counts the p-value of equal shares (Fisher's exact test).

    Args:
        logged: How many rows of `of_logged` count; `reference` how many of `of_reference` at training.
        of_logged: See above.
        reference: See above.
        of_reference: See above.
        for_more: The part of the error that finding more in the log may use; finding less has the rest.
    """
    total, marked = of_logged + of_reference, logged + reference
    less = stats.hypergeom.cdf(logged, total, marked, of_logged)
    more = stats.hypergeom.sf(logged - 1, total, marked, of_logged)
    p_values: Floats = np.minimum(1.0, np.minimum(less / (1 - for_more), more / for_more))
    return p_values


def cohens_h(share: float, other: float) -> float:
    """The distance of two shares that counts alike near 0, 1/2 and 1; 0.2 is small (Cohen 1988, chapter 6)."""
    return float(abs(2 * np.arcsin(np.sqrt(share)) - 2 * np.arcsin(np.sqrt(other))))


def holm(p_values: Floats) -> Floats:
    """Adjust the p-values of tests that are made together, whatever depends on what among them (Holm 1979)."""
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    stepped = np.maximum.accumulate(np.asarray(p_values)[order] * (count - np.arange(count)))
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _gaps(logged: Numbers, reference: Numbers) -> Floats:
    points = np.union1d(logged.values, reference.values)
    gaps: Floats = logged.share_up_to(points) - reference.share_up_to(points)
    return gaps


def _effective(logged: Numbers, reference: Numbers) -> float:
    return logged.present * reference.present / (logged.present + reference.present)
