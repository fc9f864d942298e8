"""The drift tests: each compares one aspect of the log with the training data and describes the difference."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

import numpy as np

from housing_price_model.drift.columns import median, paired, share_missing
from housing_price_model.drift.findings import MIN_H, MIN_KS, MODERATE_PSI, Family, Finding, share_matters
from housing_price_model.drift.realised import RealisedErrors
from housing_price_model.drift.statistics import cohens_h, fisher_exact, g_test, ks, ks_larger, pooled, psi
from housing_price_model.reference.distribution import CategoricalDistribution, NumericDistribution
from housing_price_model.reference.profile import Profile

_MIN_OF_GROUP: Final = 20
"""Minimum number of rows to compare prices within a neighbourhood."""
_UPPER_TAIL_SHARE: Final = 0.9
"""Part of the error rate spent on detecting an increase: a larger share of a neighbourhood harms prices more."""
_MIN_KNOWN: Final = 30
"""Minimum number of known sale prices to compare errors."""


def of_numbers(
    family: Family, name: str, logged: NumericDistribution, reference: NumericDistribution
) -> Iterator[Finding]:
    """Test the distribution of a numeric column: PSI over deciles, and Kolmogorov-Smirnov."""
    if not logged.present or not reference.present:
        return
    edges = reference.edges()
    bins = pooled(logged.binned(edges), reference.binned(edges))
    index, (distance, p_value) = psi(*bins), ks(logged, reference)
    medians = f"median {median(logged)}, {median(reference)} at training"
    yield Finding(family, name, "psi", index, index >= MODERATE_PSI, g_test(*bins), medians)
    yield Finding(family, name, "ks", distance, distance >= MIN_KS, p_value, medians)


def of_words(name: str, logged: CategoricalDistribution, reference: CategoricalDistribution) -> Iterator[Finding]:
    """Test the distribution of a categorical column, and each unseen or vanished category."""
    if not logged.present or not reference.present:
        return
    bins = pooled(*paired(logged, reference))
    index = psi(*bins)
    yield Finding(
        Family.INPUTS, name, "psi", index, index >= MODERATE_PSI, g_test(*bins), _most_moved(logged, reference)
    )
    words = {*logged.counts, *reference.counts}
    for finding in _of_shares(
        Family.INPUTS, logged, reference, words - (logged.counts.keys() & reference.counts.keys())
    ):
        # Correct for all categories here: each could have been unseen or vanished, but only some get a finding.
        p_value = min(1.0, finding.p_value * len(words))
        yield replace(finding, subject=name, p_value=p_value, says=f"{finding.subject}: {finding.says}")


def of_missing(
    columns: Mapping[
        str, tuple[NumericDistribution | CategoricalDistribution, NumericDistribution | CategoricalDistribution]
    ],
) -> Iterator[Finding]:
    """Test the share of missing values of each column."""
    names = [name for name, (logged, reference) in columns.items() if logged.missing + reference.missing]
    counts = [
        (logged.missing, logged.total, reference.missing, reference.total)
        for logged, reference in (columns[name] for name in names)
    ]
    if not names:
        return
    p_values = fisher_exact(*np.array(counts, dtype=np.int64).T)
    for name, p_value in zip(names, p_values.tolist(), strict=True):
        now, before = (share_missing(one) for one in columns[name])
        effect = cohens_h(now, before)
        says = f"{now:.1%} missing, {before:.1%} at training"
        yield Finding(Family.MISSING, name, "h", effect, effect >= MIN_H, p_value, says)


def of_groups(logged: CategoricalDistribution, reference: CategoricalDistribution) -> Iterator[Finding]:
    """Test the share of each neighbourhood, including unseen ones."""
    yield from _of_shares(Family.GROUPS, logged, reference, {*logged.counts, *reference.counts})


def of_group_prices(
    logged: Mapping[str, NumericDistribution], reference: Mapping[str, NumericDistribution]
) -> Iterator[Finding]:
    """Test the prices within each neighbourhood with enough rows."""
    for group, prices in logged.items():
        if group in reference and prices.present >= _MIN_OF_GROUP:
            distance, p_value = ks(prices, reference[group])
            says = f"median price {median(prices)} USD, {median(reference[group])} USD at training"
            yield Finding(Family.PREDICTIONS, group, "ks", distance, distance >= MIN_KS, p_value, says)


def of_errors(realised: RealisedErrors, profile: Profile) -> Iterator[Finding]:
    """Test whether errors are larger, and interval coverage is lower, than in cross-validation."""
    known = realised.errors.present
    if known < _MIN_KNOWN:
        return
    distance, p_value = ks_larger(realised.errors, profile.errors)
    says = f"median {median(realised.errors)}, {median(profile.errors)} in cross-validation"
    yield Finding(Family.ERRORS, "error of the log price", "ks", distance, distance >= MIN_KS, p_value, says)
    now, before = realised.covered / known, profile.covered / profile.houses
    effect = cohens_h(now, before)
    counts = np.array([[realised.covered], [known], [profile.covered], [profile.houses]], dtype=np.int64)
    says = f"{now:.1%} of the sale prices are inside the interval, {before:.1%} in cross-validation"
    matters = effect >= MIN_H and now < before
    p_value = float(fisher_exact(*counts)[0])
    yield Finding(Family.ERRORS, "coverage of the interval", "h", effect, matters, p_value, says)


def _of_shares(
    family: Family, logged: CategoricalDistribution, reference: CategoricalDistribution, among: AbstractSet[str]
) -> Iterator[Finding]:
    if not among or not logged.present or not reference.present:
        return
    words = sorted(among)
    counts = [np.array([one.counts.get(word, 0) for word in words], dtype=np.int64) for one in (logged, reference)]
    totals = [np.full(len(words), one.present, dtype=np.int64) for one in (logged, reference)]
    p_values = fisher_exact(counts[0], totals[0], counts[1], totals[1], upper_tail_share=_UPPER_TAIL_SHARE)
    for word, ours, theirs, p_value in zip(words, *(one.tolist() for one in counts), p_values.tolist(), strict=True):
        now, before = ours / logged.present, theirs / reference.present
        if not theirs:
            says = f"{now:.1%} of the rows ({ours:,}), none at training"
        else:
            says = f"{now:.1%} of the rows, {before:.1%} at training ({now / before:.1f} times)"
        yield Finding(family, word, "share", now - before, share_matters(now, before), p_value, says)


def _most_moved(logged: CategoricalDistribution, reference: CategoricalDistribution) -> str:
    words = {*logged.counts, *reference.counts}
    shares = {
        word: (logged.counts.get(word, 0) / logged.present, reference.counts.get(word, 0) / reference.present)
        for word in sorted(words)
    }
    word = max(shares, key=lambda one: abs(shares[one][0] - shares[one][1]))
    now, before = shares[word]
    return f"{word} {now:.1%}, {before:.1%} at training"
