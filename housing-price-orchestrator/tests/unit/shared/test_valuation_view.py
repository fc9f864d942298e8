"""The documents of a valuation."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from housing_price_orchestrator.shared.view import valuation
from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.example import EXAMPLE_DOCUMENT
from housing_price_orchestrator.shared.view.valuation import Valuation

VIEWS = sorted(
    name
    for name, value in vars(valuation).items()
    if isinstance(value, type) and issubclass(value, View) and value.__module__ == valuation.__name__
)
INTERVAL = {"low": 100_000.0, "high": 130_000.0, "level": 0.9}
MODEL = {"name": "housing-price", "version": "1", "id": "fc566939c94c87e3"}
SALE = {
    "id": 1022,
    "salePrice": 112_000.0,
    "soldIn": "2010-05",
    "distance": 0.41,
    "weight": 1.0,
    "house": {**EXAMPLE_DOCUMENT, "id": 1022},
    "adjustedPrice": 115_900.75,
    "adjustments": [{"group": "size", "usd": 4_150.5}, {"group": "age", "usd": -249.75}],
}
VALUATION = {
    "id": 1461,
    "transactionId": "019aa5d1c2f070008a1b2c3d00000000",
    "value": {"amount": 116_400.25, "interval": INTERVAL, "method": "priceAndComparables", "confidence": "high"},
    "price": {
        "id": 1461,
        "transactionId": "019aa5d1c2f070008a1b2c3d00000000",
        "predictedPrice": 118_000.5,
        "priceInterval": INTERVAL,
        "model": MODEL,
    },
    "comparables": {"estimate": 115_300.5, "sales": [SALE], "model": {**MODEL, "name": "housing-comparables"}},
    "explanation": {"typicalPrice": 163_000.25, "differences": [{"group": "size", "usd": -44_999.75}]},
    "dollarYears": {"first": 2006, "last": 2010},
    "warnings": [{"field": "grLivArea", "value": 1.0, "range": {"low": 334.0, "high": 5_642.0}}],
    "problems": [],
}
PRICE_ALONE = {
    **VALUATION,
    "value": {"amount": 118_000.5, "interval": INTERVAL, "method": "price", "confidence": None},
    "comparables": None,
    "explanation": None,
    "problems": [
        {
            "part": "comparables",
            "type": "urn:housing-price:problem:circuit-open",
            "title": "Circuit open: the model server is failing",
            "status": 503,
            "retryAfter": 1,
        }
    ],
}


@pytest.mark.parametrize("document", [VALUATION, PRICE_ALONE], ids=["complete", "price alone"])
def test_a_valuation_is_read_and_written_unchanged(document: dict[str, Any]) -> None:
    assert Valuation.model_validate(document).model_dump(exclude_unset=True) == document


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": {**VALUATION["value"], "method": "guess"}},  # type: ignore[dict-item]  # the document is a dict of any values
        {"comparables": {**VALUATION["comparables"], "sales": []}},  # type: ignore[dict-item]  # as above
        {"comparables": {**VALUATION["comparables"], "sales": [{**SALE, "soldIn": "2010-13"}]}},  # type: ignore[dict-item]  # as above
        {"comparables": {**VALUATION["comparables"], "sales": [{**SALE, "weight": 1.01}]}},  # type: ignore[dict-item]  # as above
        {"explanation": {"typicalPrice": 1.0, "differences": [{"group": "colour", "usd": 1.0}]}},
        {"problems": [{**PRICE_ALONE["problems"][0], "part": "price"}]},  # type: ignore[index]  # as above
        {"surprise": 1},
    ],
)
def test_unknown_words_and_keys_are_rejected(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Valuation.model_validate({**VALUATION, **wrong})


@pytest.mark.parametrize("view", VIEWS)
def test_every_field_has_a_description(view: str) -> None:
    schema = TypeAdapter(getattr(valuation, view)).json_schema()
    assert schema["description"]
    assert [key for key, field in schema["properties"].items() if "description" not in field] == []
