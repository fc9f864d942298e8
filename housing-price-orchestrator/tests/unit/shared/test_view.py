import contextlib
import json
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from factories import EXAMPLES, alias_of, house, house_json
from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.shared.view.actual import ActualPrice
from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.house import House, HouseBatch
from housing_price_orchestrator.shared.view.price import ModelName, PricedBatch, PricedHouse, PriceInterval
from housing_price_orchestrator.shared.view.record import house_with_gaps
from housing_price_orchestrator.shared.view.routes import Routes
from housing_price_platform.orders.moves import CanaryLimits

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
    [
        *(("msSubClass", True), ("msSubClass", "20"), ("msSubClass", 20.5), ("id", True), ("id", "1"), ("id", 1.5)),
        *(("overallQual", True), ("overallQual", 2.5), ("overallQual", "5"), ("lotArea", "1"), ("lotArea", True)),
        *(("id", float("inf")), ("id", float("nan")), ("id", float(2**53))),
    ],
)
def test_nothing_is_coerced(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        House.model_validate(house_json(**{field: value}))


@pytest.mark.parametrize(("field", "value"), [("msSubClass", 20.0), ("id", 1.0), ("overallQual", 5.0), ("moSold", 2e0)])
def test_a_number_without_a_fractional_part_is_an_integer(field: str, value: float) -> None:
    found = House.model_validate(house_json(**{field: value})).model_dump(mode="json")[field]
    assert (found, type(found)) == (value, int)


def adapter_of(field: FieldInfo) -> TypeAdapter[Any]:
    kind: Any = Annotated[field.annotation, *field.metadata, None]
    return TypeAdapter(kind)


def integers_of(view: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """The integer fields that a caller sends in this view or in a view inside it."""
    for name, field in view.model_fields.items():
        schema = adapter_of(field).json_schema()
        if "integer" in json.dumps(schema) and "properties" not in json.dumps(schema):
            yield f"{view.__name__}.{name}", field


SENT: list[type[BaseModel]] = [House, ActualPrice, CanaryLimits, Routes]


def test_integers_of_every_view_that_callers_send_accept_a_fraction_of_zeros() -> None:
    integers = [found for view in SENT for found in integers_of(view)]
    assert len(integers) > 20
    for name, field in integers:
        adapter = adapter_of(field)
        # One of these is in the range of any of the fields.
        accepted = [text for text in ("1.0", "20.0", "2e3", "2000.0") if is_valid(adapter, text)]
        assert accepted, name
        assert all(type(adapter.validate_json(text, strict=True)) is int for text in accepted), name


def is_valid(adapter: TypeAdapter[Any], text: str) -> bool:
    with contextlib.suppress(ValidationError):
        adapter.validate_json(text, strict=True)
        return True
    return False


def test_a_house_is_immutable() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        house().street = "Grvl"  # type: ignore[misc]  # mypy also sees that it is immutable


def test_house_with_gaps_has_the_given_features_and_no_other() -> None:
    made: Any = house_with_gaps(7, {"neighborhood": "NAmes", "gr_liv_area": 1_500.0, "alley": None})
    assert (made.id, made.neighborhood, made.gr_liv_area) == (7, "NAmes", 1_500.0)
    assert [value for value in row_of(made) if value is not None] == ["NAmes", 1_500.0]


@pytest.mark.parametrize("name", ["id", "grLivArea", "colour"])
def test_house_with_gaps_refuses_what_is_not_a_feature(name: str) -> None:
    with pytest.raises(ValueError, match=f"not a feature: {name}"):
        house_with_gaps(1, {name: 1})
