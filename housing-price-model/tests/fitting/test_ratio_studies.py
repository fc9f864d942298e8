import numpy as np
import pytest

from housing_price_model.fitting.ratio_studies import MIN_NEIGHBOURHOOD_SALES, ratio_studies
from housing_price_model.survey.data import Houses
from housing_price_survey.ratio_study import ratio_study


@pytest.fixture
def estimates(houses: Houses) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Estimates that are too high for sales that are not at arm's length."""
    is_normal = (houses.features["SaleCondition"] == "Normal").to_numpy()
    errors = np.random.default_rng(1).normal(0, 0.1, len(houses))
    return houses.prices * np.exp(errors + np.where(is_normal, 0.0, 0.3))


def test_all_sales_come_first_and_sales_at_arms_length_are_told_apart(
    houses: Houses, estimates: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> None:
    studies = ratio_studies(houses, estimates)
    everything, normal, others = studies[:3]
    assert (
        everything
        == {"kind": "overall", "name": "all sales"} | ratio_study(estimates.tolist(), houses.prices.tolist()).to_json()
    )
    assert (normal["name"], others["name"]) == ("at arm's length", "not at arm's length")
    assert (normal["sales"], others["sales"]) == (2413, 517)
    assert normal["median_ratio"]["value"] == pytest.approx(1.0, abs=0.02)
    assert others["median_ratio"]["value"] == pytest.approx(np.exp(0.3), abs=0.03)


def test_price_tiers_are_quarters_in_order_of_value(
    houses: Houses, estimates: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> None:
    tiers = [one for one in ratio_studies(houses, estimates) if one["kind"] == "price tier"]
    assert [one["sales"] for one in tiers] == [733, 733, 732, 732]
    assert sum(one["within_10"] * one["sales"] for one in tiers) == pytest.approx(
        ratio_studies(houses, estimates)[0]["within_10"] * len(houses)
    )


def test_neighbourhoods_with_few_sales_are_left_out(
    houses: Houses, estimates: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> None:
    counts = houses.features["Neighborhood"].value_counts()
    found = {one["name"]: one["sales"] for one in ratio_studies(houses, estimates) if one["kind"] == "neighbourhood"}
    assert found == {str(name): count for name, count in counts.items() if count >= MIN_NEIGHBOURHOOD_SALES}
    assert 0 < len(found) < len(counts)


def test_sets_without_sales_are_left_out(houses: Houses) -> None:
    two = Houses(houses.features.head(2), houses.prices[:2], houses.digest, houses.ids[:2], houses.pids[:2])
    studies = ratio_studies(two, two.prices)
    assert [one["name"] for one in studies] == ["all sales", "at arm's length", "lowest quarter", "second quarter"]
