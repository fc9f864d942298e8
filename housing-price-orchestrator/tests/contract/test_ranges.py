"""Retraining accepts each value that the API accepts: their ranges are the same."""

from housing_price_model.candidate.schema import RANGES
from housing_price_orchestrator.provider.model_server.columns import COLUMN_OF_FIELD
from housing_price_orchestrator.shared.view.house import House
from housing_price_survey.columns import TARGET


def test_ranges_of_the_training_data_are_those_of_the_api() -> None:
    schema = House.model_json_schema(by_alias=False)
    of_api = {}
    for field, column in COLUMN_OF_FIELD.items():
        said = schema["properties"][field]
        for kind in (said, *said.get("anyOf", [])):
            resolved = schema["$defs"][kind["$ref"].rpartition("/")[2]] if "$ref" in kind else kind
            if "minimum" in resolved:
                of_api[column] = (resolved["minimum"], resolved["maximum"])
    assert {name: limits for name, limits in RANGES.items() if name != TARGET} == of_api
