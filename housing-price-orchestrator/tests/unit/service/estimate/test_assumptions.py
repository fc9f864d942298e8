"""Each feature that was left out has one assumed value, and a share of houses that agree."""

from typing import Any

from factories import house_json
from housing_price_orchestrator.service.estimate.assumptions import Assumption, assumptions_of
from housing_price_orchestrator.shared.view.fields import house_fields

FIELDS = [field for field in house_fields() if field.name != "id"]
KEYS = {field.name: field.key for field in FIELDS}


def assumed(name: str, *values: Any) -> Assumption:
    """The assumption about a feature that has these values in the completed houses."""
    base = {field.name: house_json()[field.key] for field in FIELDS}
    known = base.keys() - {name}
    (assumption,) = assumptions_of([{**base, name: value} for value in values], known, FIELDS)
    assert assumption.key == KEYS[name]
    return assumption


def test_every_feature_that_is_not_known_is_listed_in_order() -> None:
    base = {field.name: house_json()[field.key] for field in FIELDS}
    known = {"neighborhood", "gr_liv_area"}
    found = [one.key for one in assumptions_of([base, base], known, FIELDS)]
    assert found == [field.key for field in FIELDS if field.name not in known]


def test_the_most_frequent_word_is_assumed_and_the_nearest_of_equally_frequent_ones() -> None:
    assert assumed("bsmt_qual", "Gd", "TA", "TA", None).value == "TA"
    assert assumed("bsmt_qual", "Gd", "TA", "TA", None).agreement == 0.5
    assert assumed("bsmt_qual", "Gd", "TA", "TA", "Gd").value == "Gd"


def test_an_absence_can_be_assumed() -> None:
    assert (assumed("alley", None, None, "Grvl").value, assumed("alley", None, "Grvl", None).agreement) == (None, 2 / 3)
    assert assumed("garage_yr_blt", None, None, 1999) == Assumption("garageYrBlt", None, 2 / 3)


def test_the_median_size_is_assumed_and_similar_sizes_agree() -> None:
    assert assumed("lot_area", 9_000, 10_000, 11_500, 10_500) == Assumption("lotArea", 10_250, 0.5)
    assert assumed("pool_area", 0, 0, 0, 500) == Assumption("poolArea", 0, 0.75)


def test_the_median_year_is_assumed_and_years_close_by_agree() -> None:
    assert assumed("year_remod_add", 1990, 1995, 2004) == Assumption("yearRemodAdd", 1995, 2 / 3)


def test_counts_grades_and_months_are_not_averaged() -> None:
    assert assumed("full_bath", 1, 1, 2, 3) == Assumption("fullBath", 1, 0.5)
    assert assumed("mo_sold", 1, 12, 12) == Assumption("moSold", 12, 2 / 3)
    assert assumed("ms_sub_class", 20, 160, 160) == Assumption("msSubClass", 160, 2 / 3)
