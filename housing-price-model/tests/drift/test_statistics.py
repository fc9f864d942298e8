"""The statistics compared with independent implementations."""

import numpy as np
import pytest
from scipy import stats

from housing_price_model.drift.statistics import (
    cohens_h,
    fisher_exact,
    g_test,
    holm,
    ks,
    ks_larger,
    pooled,
    psi,
    psi_of_chance,
)
from housing_price_model.reference.distribution import NumericDistribution


def counts(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_psi_equals_its_definition() -> None:
    # 10 %, 20 %, 70 % against 30 %, 30 %, 40 %, of enough rows to make the correction by half a row negligible.
    expected = sum((p - q) * np.log(p / q) for p, q in ((0.1, 0.3), (0.2, 0.3), (0.7, 0.4)))
    assert psi(counts(10**7, 2 * 10**7, 7 * 10**7), counts(3 * 10**7, 3 * 10**7, 4 * 10**7)) == pytest.approx(expected)
    assert psi(counts(5, 5), counts(50, 50)) == pytest.approx(0)
    assert psi(counts(100), counts(30)) == 0
    assert np.isfinite(psi(counts(0, 100), counts(50, 50)))


def test_psi_without_drift_has_the_expected_size() -> None:
    random = np.random.default_rng(1)
    found = [psi(random.multinomial(500, [0.1] * 10), random.multinomial(2930, [0.1] * 10)) for _ in range(500)]
    assert np.mean(found) == pytest.approx(psi_of_chance(10, 500, 2930), rel=0.1)


def test_ks_equals_scipys_with_and_without_ties() -> None:
    random = np.random.default_rng(2)
    for one, other in (
        (random.normal(0, 1, 300), random.normal(0.3, 1, 500)),
        (random.poisson(3, 300).astype(float), random.poisson(3.5, 500).astype(float)),
    ):
        expected = stats.ks_2samp(one, other, method="asymp")
        distance, p_value = ks(NumericDistribution.of_sample(one), NumericDistribution.of_sample(other))
        assert distance == pytest.approx(expected.statistic)
        assert p_value == pytest.approx(expected.pvalue, rel=1e-6)


def test_one_sided_ks_detects_larger_values_only() -> None:
    random = np.random.default_rng(3)
    small, large = (NumericDistribution.of_sample(random.exponential(scale, 400)) for scale in (1, 2))
    assert ks_larger(large, small)[1] < 1e-6
    assert ks_larger(small, large)[1] > 0.5
    assert ks_larger(large, small)[0] == pytest.approx(ks(large, small)[0])


def test_empty_samples_show_no_difference() -> None:
    empty, some = NumericDistribution.of_sample([np.nan]), NumericDistribution.of_sample([1.0, 2.0])
    assert ks(empty, some) == ks_larger(some, empty) == (0.0, 1.0)
    assert psi(counts(0, 0), counts(1, 2)) == 0
    assert g_test(counts(0, 0), counts(1, 2)) == g_test(counts(5), counts(6)) == 1


def test_g_test_is_close_to_scipys_and_keeps_its_level() -> None:
    one, other = counts(30, 60, 110), counts(300, 500, 700)
    expected = stats.chi2_contingency(np.array([one, other]), correction=False, lambda_="log-likelihood").pvalue
    assert g_test(one, other) == pytest.approx(expected, rel=0.05)
    random = np.random.default_rng(4)
    shares = [0.01, 0.01, 0.02, 0.06, 0.2, 0.7]
    p_values = np.array(
        [g_test(random.multinomial(500, shares), random.multinomial(2930, shares)) for _ in range(4000)]
    )
    # 2 and 4 standard errors above: these are tails of 4,000 tries.
    assert np.mean(p_values < 0.01) < 0.014
    assert np.mean(p_values < 0.001) < 0.003


def test_fisher_exact_agrees_with_scipy() -> None:
    p_value = fisher_exact(counts(12), counts(100), counts(150), counts(3000))[0]
    more = stats.fisher_exact([[12, 88], [150, 2850]], alternative="greater").pvalue
    assert p_value == pytest.approx(2 * more)
    weighted = fisher_exact(counts(12), counts(100), counts(150), counts(3000), upper_tail_share=0.9)[0]
    assert weighted == pytest.approx(more / 0.9)
    assert fisher_exact(counts(0), counts(500), counts(0), counts(3000))[0] == 1


def test_bins_with_small_expected_counts_are_merged() -> None:
    logged, reference = counts(50, 1, 0, 40, 1), counts(500, 3, 2, 400, 5)
    merged, merged_reference = pooled(logged, reference)
    assert merged.sum() == logged.sum()
    assert merged_reference.sum() == reference.sum()
    assert len(merged) == len(merged_reference) == 2
    expected = (merged + merged_reference) * merged.sum() / (merged.sum() + merged_reference.sum())
    assert expected.min() >= 5


def test_holm_is_the_step_down_procedure() -> None:
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.5, 0.9])).tolist() == [1.0, 1.0]
    assert holm(np.array([])).tolist() == []


def test_cohens_h_is_symmetric_near_the_ends() -> None:
    assert cohens_h(0.5, 0.5) == 0
    assert cohens_h(0.0, 0.01) == pytest.approx(0.2, abs=0.01)
    assert cohens_h(0.5, 0.6) == pytest.approx(cohens_h(0.6, 0.5)) == pytest.approx(0.2, abs=0.01)
