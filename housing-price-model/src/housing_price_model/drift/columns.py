"""Puts one column of the log beside the same column at training: figures to read, and bins to draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from housing_price_model.artefact.served import Floats
from housing_price_model.drift.statistics import ks, pooled, psi, psi_of_chance
from housing_price_model.reference.distribution import Counts, Numbers, Words

_EXPECTED_TO_VANISH: Final = 3
"""A category of which chance puts fewer rows than this into the log may well be absent (the rule of three)."""

_WITH_SEPARATORS: Final = 10_000
"""Years are written without."""


@dataclass(frozen=True)
class Bins:
    """What a plot shows: the share of each bin in the log and at training; `labels` name the bins."""

    labels: Sequence[str]
    logged: Sequence[float]
    reference: Sequence[float]


@dataclass(frozen=True)
class Compared:
    """A column, or a quantity of the predictions.

    Attributes:
        name: The column.
        psi: Population stability index.
        psi_of_chance: What it is expected to be without any drift.
        ks: The distance of the distribution functions; None for a category.
        typical: The median, or the commonest category, in the log; `typical_reference` at training.
        missing: The share of rows without a value; `missing_reference` at training.
        unseen: Categories that no house had at training, with their number of rows.
        vanished: Categories that no row has, with their share at training.
        bins: Its distribution.
    """

    name: str
    psi: float
    psi_of_chance: float
    ks: float | None
    typical: str
    typical_reference: str
    missing: float
    missing_reference: float
    unseen: Mapping[str, int]
    vanished: Mapping[str, float]
    bins: Bins


def compared_numbers(name: str, logged: Numbers, reference: Numbers) -> Compared:
    """Compare a number."""
    edges = reference.edges()
    of_logged, of_reference = logged.binned(edges), reference.binned(edges)
    merged, merged_reference = pooled(of_logged, of_reference)
    return Compared(
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


def compared_words(name: str, logged: Words, reference: Words) -> Compared:
    """Compare a category."""
    merged, merged_reference = pooled(*paired(logged, reference))
    share_of_training = {word: count / max(reference.present, 1) for word, count in reference.counts.items()}
    return Compared(
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


def word_bins(logged: Words, reference: Words) -> Bins:
    """Give the shares of all categories, the commonest at training first."""
    words = _words(logged, reference)
    words.sort(key=lambda word: (-reference.counts.get(word, 0), -logged.counts.get(word, 0), word))
    shares = [[one.counts.get(word, 0) / max(one.present, 1) for word in words] for one in (logged, reference)]
    return Bins(words, *shares)


def paired(logged: Words, reference: Words) -> tuple[Counts, Counts]:
    """Count each category on both sides, in one order."""
    words = _words(logged, reference)
    counts = [np.array([one.counts.get(word, 0) for word in words], dtype=np.int64) for one in (logged, reference)]
    return counts[0], counts[1]


def share_missing(one: Numbers | Words) -> float:
    """Give the share of rows without a value."""
    return one.missing / max(one.total, 1)


def median(numbers: Numbers) -> str:
    """Write the median."""
    return _written(float(numbers.quantiles([0.5])[0])) if numbers.present else "-"


def _commonest(words: Words) -> str:
    return max(words.counts, key=lambda word: words.counts[word]) if words.counts else "-"


def _words(logged: Words, reference: Words) -> list[str]:
    return sorted({*logged.counts, *reference.counts})


def _shares(counts: Counts) -> list[float]:
    shares: list[float] = (counts / max(int(counts.sum()), 1)).tolist()
    return shares


def _labels(edges: Floats) -> list[str]:
    if not len(edges):
        return ["all"]
    written = [_written(edge) for edge in edges.tolist()]
    inner = [f"{low} to {high}" for low, high in pairwise(written)]
    return [f"up to {written[0]}", *inner, f"above {written[-1]}"]


def _written(value: float) -> str:
    rounded = round(value, 3)
    return f"{rounded:,.0f}" if rounded >= _WITH_SEPARATORS else f"{rounded:g}"
