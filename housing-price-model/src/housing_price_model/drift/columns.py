"""Compares a column of the log with the same column at training: statistics for tables, bins for plots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from housing_price_model.artefact.served import Floats
from housing_price_model.drift.statistics import ks, pooled, psi, psi_of_chance
from housing_price_model.reference.distribution import CategoricalDistribution, Counts, NumericDistribution

_EXPECTED_TO_VANISH: Final = 3
"""A category with a smaller expected number of rows may be absent by chance (rule of three)."""

_MIN_SEPARATED: Final = 10_000
"""Thousands separators are used from this value on, so that years have none."""


@dataclass(frozen=True)
class Bins:
    """The data of a plot: the share of each bin in the log and at training; `labels` name the bins."""

    labels: Sequence[str]
    logged: Sequence[float]
    reference: Sequence[float]


@dataclass(frozen=True)
class ColumnDrift:
    """The drift statistics of a column, or of the price or interval width."""

    name: str
    """Name of the column."""
    psi: float
    """Population stability index."""
    psi_of_chance: float
    """Expected PSI without drift."""
    ks: float | None
    """Kolmogorov-Smirnov distance; None for a category."""
    typical: str
    """Median, or most common category, in the log; `typical_reference` at training."""
    typical_reference: str
    missing: float
    """Share of missing values in the log; `missing_reference` at training."""
    missing_reference: float
    unseen: Mapping[str, int]
    """Categories that did not occur at training, with their number of rows."""
    vanished: Mapping[str, float]
    """Categories that do not occur in the log although expected, with their share at training."""
    bins: Bins
    """The distribution."""


def compare_numbers(name: str, logged: NumericDistribution, reference: NumericDistribution) -> ColumnDrift:
    """Compare a numeric column."""
    edges = reference.edges()
    of_logged, of_reference = logged.binned(edges), reference.binned(edges)
    merged, merged_reference = pooled(of_logged, of_reference)
    return ColumnDrift(
        name=name,
        psi=psi(merged, merged_reference),
        psi_of_chance=psi_of_chance(len(merged), logged.present, reference.present),
        ks=ks(logged, reference)[0],
        typical=median(logged),
        typical_reference=median(reference),
        missing=share_missing(logged),
        missing_reference=share_missing(reference),
        unseen={},
        vanished={},
        bins=Bins(_labels(edges), _shares(of_logged), _shares(of_reference)),
    )


def compare_words(name: str, logged: CategoricalDistribution, reference: CategoricalDistribution) -> ColumnDrift:
    """Compare a categorical column."""
    merged, merged_reference = pooled(*paired(logged, reference))
    share_of_training = {word: count / max(reference.present, 1) for word, count in reference.counts.items()}
    return ColumnDrift(
        name=name,
        psi=psi(merged, merged_reference),
        psi_of_chance=psi_of_chance(len(merged), logged.present, reference.present),
        ks=None,
        typical=_commonest(logged),
        typical_reference=_commonest(reference),
        missing=share_missing(logged),
        missing_reference=share_missing(reference),
        unseen={word: count for word, count in logged.counts.items() if word not in reference.counts},
        vanished={
            word: share
            for word, share in share_of_training.items()
            if word not in logged.counts and share * logged.present >= _EXPECTED_TO_VANISH
        },
        bins=word_bins(logged, reference),
    )


def word_bins(logged: CategoricalDistribution, reference: CategoricalDistribution) -> Bins:
    """Return the shares of all categories, the most common at training first."""
    words = _words(logged, reference)
    words.sort(key=lambda word: (-reference.counts.get(word, 0), -logged.counts.get(word, 0), word))
    shares = [[one.counts.get(word, 0) / max(one.present, 1) for word in words] for one in (logged, reference)]
    return Bins(words, *shares)


def paired(logged: CategoricalDistribution, reference: CategoricalDistribution) -> tuple[Counts, Counts]:
    """Return the counts of all categories in the log and at training, in the same order."""
    words = _words(logged, reference)
    counts = [np.array([one.counts.get(word, 0) for word in words], dtype=np.int64) for one in (logged, reference)]
    return counts[0], counts[1]


def share_missing(one: NumericDistribution | CategoricalDistribution) -> float:
    """Return the share of missing values."""
    return one.missing / max(one.total, 1)


def median(numbers: NumericDistribution) -> str:
    """Format the median."""
    return _formatted(float(numbers.quantiles([0.5])[0])) if numbers.present else "-"


def _commonest(words: CategoricalDistribution) -> str:
    return max(words.counts, key=lambda word: words.counts[word]) if words.counts else "-"


def _words(logged: CategoricalDistribution, reference: CategoricalDistribution) -> list[str]:
    return sorted({*logged.counts, *reference.counts})


def _shares(counts: Counts) -> list[float]:
    shares: list[float] = (counts / max(int(counts.sum()), 1)).tolist()
    return shares


def _labels(edges: Floats) -> list[str]:
    if not len(edges):
        return ["all"]
    formatted = [_formatted(edge) for edge in edges.tolist()]
    inner = [f"{low} to {high}" for low, high in pairwise(formatted)]
    return [f"up to {formatted[0]}", *inner, f"above {formatted[-1]}"]


def _formatted(value: float) -> str:
    rounded = round(value, 3)
    return f"{rounded:,.0f}" if rounded >= _MIN_SEPARATED else f"{rounded:g}"
