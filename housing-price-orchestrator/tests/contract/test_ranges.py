"""Training accepts each number that the API accepts, and no other: their ranges are the same."""

from collections.abc import Iterator
from typing import Any

from housing_price_model.survey.ranges import RANGES, WHOLE
from housing_price_orchestrator.provider.model_server.columns import COLUMN_OF_FIELD
from housing_price_orchestrator.provider.model_server.mlflow_comparables_model import MAX_SALE_USD
from housing_price_orchestrator.shared.view.house import House
from housing_price_survey.columns import TARGET


def numbers_of_api() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the column and the schema of each field with bounds."""
    schema = House.model_json_schema(by_alias=False)
    for field, column in COLUMN_OF_FIELD.items():
        said = schema["properties"][field]
        for kind in (said, *said.get("anyOf", [])):
            resolved = schema["$defs"][kind["$ref"].rpartition("/")[2]] if "$ref" in kind else kind
            if "minimum" in resolved:
                yield column, resolved


def test_ranges_of_the_training_data_are_those_of_the_api() -> None:
    of_features = {name: limits for name, limits in RANGES.items() if name != TARGET}
    assert of_features == {column: (one["minimum"], one["maximum"]) for column, one in numbers_of_api()}


def test_numbers_without_fractions_are_the_integers_of_the_api() -> None:
    assert set(WHOLE) == {column for column, one in numbers_of_api() if one["type"] == "integer"}


def test_sale_prices_of_the_training_data_are_accepted_in_comparable_sales() -> None:
    low, high = RANGES[TARGET]
    assert 0 < low < high <= MAX_SALE_USD
