"""Effect sizes and p-values for the difference of two samples.

The functions take counts of n logged rows and m houses at training. Both are samples, hence two-sample tests.
"""

from typing import Final

import numpy as np
from scipy import special, stats

from housing_price_model.artefact.served import Floats
from housing_price_model.reference.distribution import Counts, NumericDistribution

_MIN_EXPECTED: Final = 5
"""Minimum expected count of a bin; others are merged (Cochran 1954, "Some Methods for Strengthening ... Tests")."""


def pooled(logged: Counts, reference: Counts) -> tuple[Counts, Counts]:
    """Merge the bins whose expected count in the smaller sample is below 5; both arrays have shape (bins,)."""
    both = logged + reference
    share_of_smaller = min(int(logged.sum()), int(reference.sum())) / max(int(both.sum()), 1)
    is_rare = both * share_of_smaller < _MIN_EXPECTED
    if not is_rare.any():
        return logged, reference
    kept, rest = np.flatnonzero(~is_rare), np.flatnonzero(is_rare)
    groups = [[int(at)] for at in kept[np.argsort(both[kept], kind="stable")]] + [[int(at) for at in rest]]
    if both[rest].sum() * share_of_smaller < _MIN_EXPECTED and len(groups) > 1:
        groups = [[*groups[0], *groups[-1]], *groups[1:-1]]
    return (
        np.array([logged[group].sum() for group in groups], dtype=np.int64),
        np.array([reference[group].sum() for group in groups], dtype=np.int64),
    )


def psi(logged: Counts, reference: Counts) -> float:
    """Population stability index: the sum of (p - q) ln(p / q) over bins.

    Half a row is added to each bin, so that an empty bin gives a large but finite value. Without drift the expected PSI
    is about (bins - 1) (1/n + 1/m), which at n = 500 is not negligible against 0.1; `g_test` therefore tests for
    significance (Yurdakul 2018, "Statistical Properties of Population Stability Index").
    """
    if len(logged) <= 1 or not logged.sum() or not reference.sum():
        return 0.0
    p, q = ((counts + 0.5) / (counts.sum() + 0.5 * len(counts)) for counts in (logged, reference))
    return float(np.sum((p - q) * np.log(p / q)))


def psi_of_chance(bins: int, logged: int, reference: int) -> float:
    """Return the expected PSI without drift."""
    return (bins - 1) * (1 / max(logged, 1) + 1 / max(reference, 1))


def g_test(logged: Counts, reference: Counts) -> float:
    """Return the p-value of equal shares: likelihood ratio with Williams' correction (Sokal and Rohlf, "Biometry").

    With expected counts of 5, its tail is still close to chi-squared at the level used here, 1 in 100,000. The tail of
    Pearson's test is not.
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


def ks(logged: NumericDistribution, reference: NumericDistribution) -> tuple[float, float]:
    """Kolmogorov-Smirnov distance of two distribution functions, and its p-value.

    Ties make the p-value conservative (too large).
    """
    if not logged.present or not reference.present:
        return 0.0, 1.0
    distance = float(np.max(np.abs(_gaps(logged, reference))))
    return distance, float(stats.kstwo.sf(distance, max(round(_effective(logged, reference)), 1)))


def ks_larger(logged: NumericDistribution, reference: NumericDistribution) -> tuple[float, float]:
    """One-sided Kolmogorov-Smirnov distance, for larger logged values, and its asymptotic p-value."""
    if not logged.present or not reference.present:
        return 0.0, 1.0
    distance = max(float(np.max(-_gaps(logged, reference))), 0.0)
    return distance, float(np.exp(-2 * distance**2 * _effective(logged, reference)))


def fisher_exact(
    logged: Counts, logged_totals: Counts, reference: Counts, reference_totals: Counts, *, upper_tail_share: float = 0.5
) -> Floats:
    """Return the p-value of equal shares for each pair of counts (Fisher's exact test).

    Args:
        logged: Counts in the log.
        logged_totals: Totals in the log.
        reference: Counts at training.
        reference_totals: Totals at training.
        upper_tail_share: Part of the error rate for detecting a larger share in the log; the rest is for a smaller one.
    """
    total, marked = logged_totals + reference_totals, logged + reference
    less = stats.hypergeom.cdf(logged, total, marked, logged_totals)
    more = stats.hypergeom.sf(logged - 1, total, marked, logged_totals)
    p_values: Floats = np.minimum(1.0, np.minimum(less / (1 - upper_tail_share), more / upper_tail_share))
    return p_values


def cohens_h(share: float, other: float) -> float:
    """Cohen's h, a distance of two shares comparable over the range 0 to 1; 0.2 is small (Cohen 1988, chapter 6)."""
    return float(abs(2 * np.arcsin(np.sqrt(share)) - 2 * np.arcsin(np.sqrt(other))))


def holm(p_values: Floats) -> Floats:
    """Adjust the p-values of a family of tests; valid under any dependence (Holm 1979)."""
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    stepped = np.maximum.accumulate(np.asarray(p_values)[order] * (count - np.arange(count)))
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _gaps(logged: NumericDistribution, reference: NumericDistribution) -> Floats:
    points = np.union1d(logged.values, reference.values)
    gaps: Floats = logged.share_up_to(points) - reference.share_up_to(points)
    return gaps


def _effective(logged: NumericDistribution, reference: NumericDistribution) -> float:
    return logged.present * reference.present / (logged.present + reference.present)
