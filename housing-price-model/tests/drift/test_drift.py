"""Changes that raise the drift alarm, and changes that do not."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from housing_price_model.drift.compare import CALENDAR, Comparison, compare
from housing_price_model.drift.findings import MIN_ROWS, Family
from housing_price_model.drift.realised import RealisedErrors
from housing_price_model.errors import DataError
from housing_price_model.fitting.calibration import Stretch
from housing_price_model.fitting.evaluate import CrossValidation, Estimates
from housing_price_model.reference.profile import Profile, cells_of
from housing_price_model.reference.tally import GROUP, Tally
from housing_price_model.survey.data import Houses
from housing_price_survey.columns import COLUMNS

type Predict = Callable[[pd.DataFrame], pd.DataFrame]

SEEDS = range(20)
ROWS = 500
LARGE_NEIGHBOURHOODS = ("NAmes", "CollgCr", "OldTown", "Edwards", "Somerst", "NridgHt", "Gilbert", "Sawyer")
"""They hold at least 5 % of the houses each."""


class Town:
    """The houses that the model was trained on, their profile, and streams of houses drawn from them."""

    def __init__(self, houses: Houses, predict: Predict) -> None:
        self._houses, self._predict = houses, predict
        self.answers = predict(houses.features)
        estimates = Estimates(*(self.answers[name].to_numpy() for name in ("price", "low", "high")))
        self.errors = np.log(houses.prices) - np.log(estimates.price)
        self.profile = Profile.of(houses, self.answers, CrossValidation(estimates, self.errors, Stretch(), ()))

    def draw(self, seed: int, rows: int = ROWS, *, tripled: str | None = None, within: str | None = None) -> list[int]:
        """Draw houses with equal probability; those of the neighbourhood `tripled` are three times as likely."""
        print(f"seed {seed}")
        group = self._houses.features[GROUP]
        weights = np.where(group == tripled, 3.0, 1.0) * (1.0 if within is None else (group == within))
        drawn = np.random.default_rng(seed).choice(len(group), rows, p=weights / weights.sum())
        chosen: list[int] = drawn.tolist()
        return chosen

    def compare(self, at: list[int], change: Callable[[pd.DataFrame], pd.DataFrame] | None = None) -> Comparison:
        """Price the houses, changed, and compare what would be logged with the profile."""
        return compare(self.tally(at, change), self.profile)

    def tally(self, at: list[int], change: Callable[[pd.DataFrame], pd.DataFrame] | None = None) -> Tally:
        """Count the houses, changed, and their prices."""
        features = self._houses.features.iloc[at].reset_index(drop=True)
        answers = self.answers.iloc[at]
        if change is not None:
            features = change(features)
            answers = self._predict(features)
        tally = Tally()
        tally.add(COLUMNS, cells_of(features), answers[["price", "low", "high"]].to_numpy().tolist())
        return tally


@pytest.fixture(scope="module")
def town(houses: Houses, predict: Predict) -> Town:
    return Town(houses, predict)


def larger(features: pd.DataFrame) -> pd.DataFrame:
    return features.assign(GrLivArea=features["GrLivArea"] * 1.2)


def subjects(found: Comparison, family: Family | None = None) -> set[str]:
    return {one.subject for one in found.alarms if family in (None, one.family)}


def test_large_neighbourhoods_are_those_with_at_least_five_percent_of_the_houses(houses: Houses) -> None:
    shares = houses.features[GROUP].value_counts(normalize=True)
    assert tuple(shares[shares >= 0.05].index) == LARGE_NEIGHBOURHOODS


@pytest.mark.parametrize("rows", [100, ROWS, 2_000])
def test_stream_drawn_from_the_training_data_raises_no_alarm(town: Town, rows: int) -> None:
    found = [town.compare(town.draw(seed, rows)) for seed in SEEDS]
    assert [one.verdict for one in found] == ["steady"] * len(SEEDS)


@pytest.mark.parametrize("name", LARGE_NEIGHBOURHOODS)
def test_tripled_neighbourhood_raises_an_alarm_for_that_neighbourhood(town: Town, name: str) -> None:
    found = [town.compare(town.draw(seed, tripled=name)) for seed in SEEDS]
    assert [name in subjects(one, Family.GROUPS) for one in found] == [True] * len(SEEDS)


def test_living_area_increased_by_a_fifth_raises_an_alarm_for_that_column(town: Town) -> None:
    found = [town.compare(town.draw(seed), larger) for seed in SEEDS]
    assert ["GrLivArea" in subjects(one, Family.INPUTS) for one in found] == [True] * len(SEEDS)


def test_held_out_half_of_the_houses_raises_no_alarm_against_the_other_half(houses: Houses, town: Town) -> None:
    """A profile of one half of the houses, and all of the other half: two samples of one town."""
    for seed in SEEDS:
        print(f"seed {seed}")
        order = np.random.default_rng(seed).permutation(len(houses))
        known, others = order[: len(order) // 2], order[len(order) // 2 :]
        answers = town.answers.iloc[known]
        estimates = Estimates(*(answers[name].to_numpy() for name in ("price", "low", "high")))
        half = Houses(houses.features.iloc[known], houses.prices[known], "", houses.ids[known], ())
        profile = Profile.of(half, answers, CrossValidation(estimates, town.errors[known], Stretch(), ()))
        assert compare(town.tally(others.tolist()), profile).verdict == "steady"


def test_unseen_neighbourhood_raises_the_alarm(town: Town) -> None:
    def moved(features: pd.DataFrame) -> pd.DataFrame:
        features.loc[:29, GROUP] = "Nowhere"
        return features

    tally = Tally()
    rows = cells_of(moved(town._houses.features.iloc[town.draw(0)].reset_index(drop=True)))
    tally.add(COLUMNS, rows, [(2e5, 1e5, 3e5)] * len(rows))
    found = compare(tally, town.profile)
    assert "Nowhere" in subjects(found, Family.GROUPS)
    (column,) = [one for one in found.columns if one.name == GROUP]
    assert column.unseen == {"Nowhere": 30}
    (says,) = [one.says for one in found.alarms if one.subject == "Nowhere"]
    assert says == "6.0% of the rows (30), none at training"


def test_category_that_has_vanished_is_named(town: Town) -> None:
    found = town.compare(town.draw(0), lambda features: features.assign(CentralAir="Y"))
    (column,) = [one for one in found.columns if one.name == "CentralAir"]
    assert column.vanished.keys() == {"N"}
    assert "CentralAir" in subjects(found)
    assert any(one.says.startswith("N: 0.0% of the rows") for one in found.alarms if one.subject == "CentralAir")


def test_larger_share_of_missing_values_raises_the_alarm(town: Town) -> None:
    def forgotten(features: pd.DataFrame) -> pd.DataFrame:
        features.loc[:39, "KitchenQual"] = None
        return features

    assert "KitchenQual" in subjects(town.compare(town.draw(0), forgotten), Family.MISSING)


def test_changed_predictions_for_the_same_houses_raise_the_alarm(town: Town) -> None:
    at = town.draw(0)
    tally = Tally()
    prices = town.answers[["price", "low", "high"]].iloc[at] * 1.25
    tally.add(COLUMNS, cells_of(town._houses.features.iloc[at]), prices.to_numpy().tolist())
    found = compare(tally, town.profile)
    assert "price" in subjects(found)
    assert subjects(found) == subjects(found, Family.PREDICTIONS)


def test_larger_errors_than_in_cross_validation_raise_the_alarm(town: Town) -> None:
    at = town.draw(0, 300)
    estimates = town.answers[["price", "low", "high"]].iloc[at].to_numpy()

    def sold(factor: float) -> RealisedErrors:
        actual = estimates[:, 0] * np.exp(town.errors[at]) * factor
        return RealisedErrors.of(zip(actual, *estimates.T, strict=True))

    tally = town.tally(at)
    assert compare(tally, town.profile, sold(1.0)).verdict == "steady"
    found = compare(tally, town.profile, sold(1.15))
    assert subjects(found) == {"error of the log price", "coverage of the interval"}
    assert found.known == 300
    # Better than in cross-validation is no alarm: the houses may have been among those that it was trained on.
    exact = RealisedErrors.of(zip(estimates[:, 0], *estimates.T, strict=True))
    assert compare(tally, town.profile, exact).verdict == "steady"


def test_significant_difference_that_is_too_small_to_matter_raises_no_alarm(town: Town) -> None:
    def slightly(features: pd.DataFrame) -> pd.DataFrame:
        return features.assign(GrLivArea=features["GrLivArea"] * 1.03)

    found = town.compare(town.draw(0, 20_000), slightly)
    assert any(one.subject == "GrLivArea" and one.is_significant for one in found.findings)
    assert found.verdict == "steady"


def test_few_rows_are_not_judged(town: Town) -> None:
    found = town.compare(town.draw(0, MIN_ROWS - 1, within="NAmes"))
    assert found.verdict == "too few rows"
    assert not found.findings
    assert town.compare(town.draw(0, MIN_ROWS, within="NAmes")).verdict == "alarm"
    assert compare(Tally(), town.profile).verdict == "too few rows"


def test_calendar_columns_are_shown_but_raise_no_alarm(town: Town) -> None:
    def now(features: pd.DataFrame) -> pd.DataFrame:
        return features.assign(MoSold=11.0, YrSold=2010.0)

    tally = town.tally(town.draw(0), now)
    found = compare(tally, town.profile)
    assert not subjects(found) & set(CALENDAR)
    assert max(one.psi for one in found.columns if one.name in CALENDAR) > 1
    assert set(CALENDAR) <= subjects(compare(tally, town.profile, silent=()))


@pytest.mark.parametrize(
    ("name", "value"), [("LotArea", "8450"), ("LotArea", True), ("Street", 1), (GROUP, False), ("MSSubClass", [])]
)
def test_invalid_value_is_refused_with_the_name_of_its_column(town: Town, name: str, value: object) -> None:
    tally = Tally()
    with pytest.raises(DataError, match=name):  # noqa: PT012 - what can be counted is judged later
        tally.add((name,), [[value]], [(2.0, 1.0, 3.0)])
        compare(tally, town.profile)
