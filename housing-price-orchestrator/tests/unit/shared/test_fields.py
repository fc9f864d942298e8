"""`house_fields`: what it says of each field is what `House` accepts."""

from typing import Any

import pytest
from pydantic import ValidationError

from factories import house_json
from housing_price_orchestrator.shared.view.fields import HouseField, house_fields
from housing_price_orchestrator.shared.view.house import House
from housing_price_survey.labels import MONTHS

FIELDS = {field.name: field for field in house_fields()}


def accepts(field: HouseField, value: object) -> bool:
    """Return whether a house is valid with this value of the field."""
    try:
        House.model_validate(house_json() | {field.key: value})
    except ValidationError:
        return False
    return True


def test_the_fields_are_the_id_and_the_79_features_in_the_order_of_the_view() -> None:
    assert list(FIELDS) == list(House.model_fields)
    assert house_fields()[0].name == "id"
    assert len(house_fields()) == 80


def test_the_fields_are_read_from_the_view_once() -> None:
    assert house_fields() is house_fields()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("id", ("id", "integer", False, 1, 2**63 - 1, ())),
        ("lot_frontage", ("lotFrontage", "number", True, 0, 5_000, ())),
        ("street", ("street", "text", False, None, None, ("Grvl", "Pave"))),
        ("alley", ("alley", "text", True, None, None, ("Grvl", "Pave"))),
        ("mo_sold", ("moSold", "integer", False, 1, 12, ())),
    ],
)
def test_the_values_of_a_field_are_described(name: str, expected: tuple[Any, ...]) -> None:
    field = FIELDS[name]
    assert (field.key, field.kind, field.is_nullable, field.minimum, field.maximum, field.words) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("id", ("Id", None, None, {}, None)),
        ("gr_liv_area", ("Living area above ground", "size", "square feet", {}, None)),
        ("alley", ("Alley access", "lot", None, {"Pave": "Paved", "Grvl": "Gravel"}, "No alley access")),
        ("lot_frontage", ("Street frontage", "lot", "feet", {}, None)),
        ("mo_sold", ("Month of the sale", "termsOfSale", "month of the year", MONTHS, None)),
    ],
)
def test_a_field_is_described_for_people(name: str, expected: tuple[Any, ...]) -> None:
    field = FIELDS[name]
    assert (field.title, field.group, field.unit, field.labels, field.blank) == expected
    assert field.description == House.model_fields[name].description


@pytest.mark.parametrize("field", house_fields(), ids=lambda field: field.key)
def test_labels_are_those_of_the_accepted_values(field: HouseField) -> None:
    if field.words:
        assert set(field.labels) == set(field.words)
    elif field.labels:
        assert field.minimum is not None
        assert field.maximum is not None
        assert set(field.labels) == set(range(int(field.minimum), int(field.maximum) + 1))


@pytest.mark.parametrize("field", house_fields(), ids=lambda field: field.key)
def test_null_has_a_label_exactly_where_the_description_gives_it_a_meaning(field: HouseField) -> None:
    assert (field.blank is not None) is ("; null if there is n" in field.description)
    assert field.blank is None or field.is_nullable


def test_a_code_is_an_integer_with_words() -> None:
    field = FIELDS["ms_sub_class"]
    assert (field.kind, field.minimum, field.maximum) == ("integer", None, None)
    assert {20, 60, 190} <= set(field.words)


@pytest.mark.parametrize("field", house_fields(), ids=lambda field: field.key)
def test_a_field_has_either_words_or_bounds(field: HouseField) -> None:
    has_bounds = field.minimum is not None and field.maximum is not None
    assert has_bounds is not bool(field.words)


@pytest.mark.parametrize("field", house_fields(), ids=lambda field: field.key)
def test_null_and_absence_are_accepted_exactly_where_a_field_is_nullable(field: HouseField) -> None:
    assert accepts(field, None) is field.is_nullable
    assert House.model_fields[field.name].is_required() is not field.is_nullable


@pytest.mark.parametrize("field", house_fields(), ids=lambda field: field.key)
def test_words_and_bounds_are_those_that_the_view_accepts(field: HouseField) -> None:
    accepted: list[Any] = [*field.words]
    refused: list[Any] = ["no such word"]
    if field.minimum is not None and field.maximum is not None:
        accepted += [field.minimum, field.maximum]
        refused += [field.minimum - 1, field.maximum + 1]
    assert [value for value in accepted if not accepts(field, value)] == []
    assert [value for value in refused if accepts(field, value)] == []


@pytest.mark.parametrize("field", house_fields(), ids=lambda field: field.key)
def test_fractions_are_accepted_exactly_where_a_field_is_a_number(field: HouseField) -> None:
    assert accepts(field, 2.5) is (field.kind == "number")
