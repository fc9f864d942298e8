import json
from typing import Any

import pytest
from pydantic import ValidationError

from factories import EXAMPLES, alias_of, house, house_json
from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.house import House, HouseBatch
from housing_price_orchestrator.shared.view.price import ModelName, PricedBatch, PricedHouse, PriceInterval

VIEWS: list[type[View]] = [House, HouseBatch, PricedHouse, PricedBatch, PriceInterval, ModelName]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_closed_strict_and_immutable(view: type[View]) -> None:
    config = view.model_config
    assert (config["extra"], config["strict"], config["frozen"], config["allow_inf_nan"]) == (
        "forbid",
        True,
        True,
        False,
    )


@pytest.mark.parametrize("view", VIEWS)
def test_every_field_has_a_description(view: type[View]) -> None:
    assert all(field.description for field in view.model_fields.values())


def test_the_keys_match_the_example_in_order() -> None:
    example = json.loads((EXAMPLES / "request-1461.json").read_bytes())
    assert [alias_of(field) for field in House.model_fields] == list(example)


def test_only_public_field_names_are_accepted() -> None:
    document = house_json()
    document["lot_area"] = document.pop("lotArea")
    with pytest.raises(ValidationError):
        House.model_validate(document)


def test_a_house_survives_a_json_round_trip() -> None:
    assert House.model_validate_json(house().model_dump_json()) == house()
    assert house().model_dump(mode="json") == house_json()


@pytest.mark.parametrize(
    ("field", "value"),
    [("msSubClass", True), ("id", 1.0), ("id", True), ("overallQual", True), ("lotArea", "1")],
)
def test_nothing_is_coerced(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        House.model_validate(house_json(**{field: value}))


def test_a_house_is_immutable() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        house().street = "Grvl"  # type: ignore[misc]  # mypy also sees that it is immutable
