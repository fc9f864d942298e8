"""A completed house keeps what is known of it, and its features fit together."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import alias_of, house_json, survey_houses
from housing_price_orchestrator.service.estimate.completion import complete_house
from housing_price_orchestrator.service.estimate.related_features import BASEMENT_PARTS, FLOORS, Features
from housing_price_orchestrator.shared.view.estimate import REQUIRED_FACTS
from housing_price_orchestrator.shared.view.fields import house_fields
from housing_price_orchestrator.shared.view.house import House
from strategies import house_documents

FEATURES = [field.name for field in house_fields() if field.name != "id"]
KEYS = {field.name: field.key for field in house_fields()}
SURVEY = survey_houses()
FREE = sorted(set(FEATURES) - set(REQUIRED_FACTS))


def features_of(document: dict[str, Any]) -> Features:
    return {name: document[KEYS[name]] for name in FEATURES}


def a_house(**changes: Any) -> Features:
    return features_of(house_json() | {alias_of(name): value for name, value in changes.items()})


FACTS = {"neighborhood": "NAmes", "overall_qual": 5, "year_built": 1961, "gr_liv_area": 896}


def completed(known: dict[str, Any], own: Features | None = None, *others: Features) -> Features:
    own = own or a_house()
    return complete_house({**FACTS, **known}, own, [own, *others])


def test_features_that_are_not_known_come_from_the_sold_house() -> None:
    own = a_house()
    assert completed(FACTS, own) == {**own, **FACTS}


def test_the_floors_sum_to_the_living_area_in_the_proportions_of_the_sold_house() -> None:
    own = a_house(gr_liv_area=1_600, first_flr_sf=1_000, second_flr_sf=600, low_qual_fin_sf=0)
    house = completed({"gr_liv_area": 2_000}, own)
    assert [house[floor] for floor in FLOORS] == [1_250, 750, 0]


def test_a_known_floor_leaves_the_rest_to_the_others() -> None:
    own = a_house(gr_liv_area=1_600, first_flr_sf=1_000, second_flr_sf=600, low_qual_fin_sf=0)
    house = completed({"gr_liv_area": 2_000, "first_flr_sf": 1_500}, own)
    assert [house[floor] for floor in FLOORS] == [1_500, 500, 0]


def test_floors_that_are_larger_than_the_living_area_leave_nothing() -> None:
    house = completed({"gr_liv_area": 900, "first_flr_sf": 1_500})
    assert [house[floor] for floor in FLOORS] == [1_500, 0, 0]


def test_a_basement_of_known_size_is_divided_like_that_of_the_sold_house() -> None:
    own = a_house(total_bsmt_sf=1_000, bsmt_fin_sf1=600, bsmt_fin_sf2=100, bsmt_unf_sf=300)
    house = completed({"total_bsmt_sf": 500}, own)
    assert [house[part] for part in BASEMENT_PARTS] == [150, 300, 50]


def test_known_parts_of_the_basement_make_its_size() -> None:
    own = a_house(total_bsmt_sf=1_000, bsmt_fin_sf1=600, bsmt_fin_sf2=100, bsmt_unf_sf=300)
    assert completed({"bsmt_fin_sf1": 700}, own)["total_bsmt_sf"] == 1_100


@pytest.mark.parametrize(
    "known",
    [{"total_bsmt_sf": 0}, {"total_bsmt_sf": None}, {"bsmt_qual": None}, {"bsmt_qual": None, "bsmt_full_bath": 0}],
)
def test_a_house_without_basement_has_nothing_in_it(known: dict[str, Any]) -> None:
    house = completed(known)
    assert house["bsmt_cond"] is house["bsmt_exposure"] is house["bsmt_fin_type1"] is None
    assert not any(house[name] for name in (*BASEMENT_PARTS, "total_bsmt_sf", "bsmt_full_bath", "bsmt_half_bath"))


def test_zero_baths_in_the_basement_do_not_mean_that_there_is_none() -> None:
    own = a_house()
    assert completed({"bsmt_full_bath": 0}, own)["total_bsmt_sf"] == own["total_bsmt_sf"] > 0


@pytest.mark.parametrize("known", [{"garage_cars": 0}, {"garage_type": None}, {"garage_area": 0}])
def test_a_house_without_garage_has_no_garage_year(known: dict[str, Any]) -> None:
    house = completed(known)
    assert house["garage_type"] is house["garage_yr_blt"] is house["garage_finish"] is house["garage_qual"] is None
    assert house["garage_cars"] == house["garage_area"] == 0


def test_a_garage_comes_from_the_nearest_sold_house_that_has_one() -> None:
    without = completed({"garage_cars": 0})
    first, second = (a_house(garage_type=word, garage_cars=2, garage_area=400) for word in ("Attchd", "Detchd"))
    house = completed({"garage_cars": 1}, without, without, first, second)
    assert (house["garage_type"], house["garage_area"]) == ("Attchd", 200)


def test_a_known_garage_that_no_sold_house_has_stays_as_it_is() -> None:
    without = completed({"garage_cars": 0})
    house = completed({"garage_cars": 2}, without)
    assert (house["garage_cars"], house["garage_type"]) == (2, None)


def test_the_size_of_a_garage_tells_for_how_many_cars_it_is() -> None:
    own = a_house(garage_cars=2, garage_area=500)
    assert completed({"garage_area": 760}, own)["garage_cars"] == 3
    assert completed({"garage_area": 50}, own)["garage_cars"] == 1


def test_other_equipment_follows_what_is_known() -> None:
    own = a_house(fireplaces=1, fireplace_qu="Gd", pool_area=500, pool_qc="Ex", misc_feature="Shed", misc_val=400)
    house = completed({"fireplaces": 0, "pool_qc": None, "misc_feature": None, "mas_vnr_area": 0}, own)
    assert (house["fireplace_qu"], house["pool_area"], house["misc_val"]) == (None, 0, 0)
    assert house["mas_vnr_type"] == "None"


def test_a_house_is_not_remodelled_and_has_no_garage_before_it_is_built() -> None:
    own = a_house(year_built=1990, year_remod_add=1990, garage_yr_blt=1990, yr_sold=2007)
    house = completed({"year_built": 2009}, own)
    assert (house["year_remod_add"], house["garage_yr_blt"], house["yr_sold"]) == (2009, 2009, 2009)
    older = completed({"year_built": 1970}, own)
    assert (older["year_remod_add"], older["garage_yr_blt"], older["yr_sold"]) == (1970, 1970, 2007)


def test_a_later_remodelling_and_a_later_garage_of_the_sold_house_stay() -> None:
    own = a_house(year_built=1960, year_remod_add=1999, garage_yr_blt=1985)
    house = completed({"year_built": 1955}, own)
    assert (house["year_remod_add"], house["garage_yr_blt"]) == (1999, 1985)


def test_words_that_go_together_come_from_a_sold_house_that_has_the_known_ones() -> None:
    one = a_house(house_style="1Story", ms_sub_class=20, second_flr_sf=0, first_flr_sf=896)
    two = a_house(house_style="2Story", ms_sub_class=60, second_flr_sf=700, first_flr_sf=700)
    house = completed({"house_style": "2Story"}, one, two)
    assert house["ms_sub_class"] == 60
    assert house["second_flr_sf"] == 448
    assert completed({"second_flr_sf": 300}, one, two)["house_style"] == "2Story"
    assert completed({"second_flr_sf": 0}, two, one)["house_style"] == "1Story"


def test_the_number_of_rooms_fits_the_bedrooms() -> None:
    own = a_house(tot_rms_abv_grd=5, bedroom_abv_gr=3)
    assert completed({"bedroom_abv_gr": 6}, own)["tot_rms_abv_grd"] == 7
    assert completed({"tot_rms_abv_grd": 3}, own)["bedroom_abv_gr"] == 2


places = st.integers(0, len(SURVEY) - 1)


@settings(max_examples=150)
@given(place=places, others=st.lists(places, min_size=1, max_size=4), given_names=st.sets(st.sampled_from(FREE)))
def test_a_completed_house_is_valid_and_fits_together(place: int, others: list[int], given_names: set[str]) -> None:
    truth = features_of(SURVEY[place])
    known = {name: truth[name] for name in (*REQUIRED_FACTS, *given_names)}
    sold = [features_of(SURVEY[other]) for other in others]
    house = complete_house(known, sold[0], sold)
    assert house.keys() == set(FEATURES)
    assert {name: house[name] for name in known} == known
    House.model_validate({"id": 1, **{KEYS[name]: value for name, value in house.items()}})
    if not set(FLOORS) <= known.keys():
        assert sum(house[floor] for floor in FLOORS) == house["gr_liv_area"]
    if not {*BASEMENT_PARTS, "total_bsmt_sf"} <= known.keys():
        assert sum(house[part] or 0 for part in BASEMENT_PARTS) == (house["total_bsmt_sf"] or 0)
    if "year_remod_add" not in known:
        assert house["year_remod_add"] >= house["year_built"]


@given(place=places, other=places)
def test_a_house_of_which_everything_is_known_is_unchanged(place: int, other: int) -> None:
    truth, own = features_of(SURVEY[place]), features_of(SURVEY[other])
    assert complete_house(truth, own, [own]) == truth


@settings(max_examples=150)
@given(place=places, others=st.lists(places, min_size=1, max_size=4), document=house_documents, data=st.data())
def test_a_house_completed_from_any_facts_is_valid(
    place: int, others: list[int], document: dict[str, Any], data: st.DataObject
) -> None:
    facts = {name: document[KEYS[name]] for name in FEATURES if KEYS[name] in document}
    given_names = data.draw(st.sets(st.sampled_from(sorted(facts.keys() - set(REQUIRED_FACTS)))))
    known = {name: facts[name] for name in (*REQUIRED_FACTS, *given_names)}
    sold = [features_of(SURVEY[other]) for other in (place, *others)]
    house = complete_house(known, sold[0], sold)
    assert {name: house[name] for name in known} == known
    House.model_validate({"id": 1, **{KEYS[name]: value for name, value in house.items()}})
