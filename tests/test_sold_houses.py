"""Each sold house that training accepts is a comparable sale that the orchestrator accepts."""

import asyncio
import csv
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

with warnings.catch_warnings():
    # Importing MLflow warns about its own type hints; all later warnings are errors.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")

from housing_price_model.comparables.blend import Blend, ConfidenceLimits
from housing_price_model.comparables.pack import load_comparables, pack_comparables
from housing_price_model.errors import DataError
from housing_price_model.survey.data import BUNDLED, read_houses
from housing_price_orchestrator.provider.model_server.mlflow_client import MLflowClient
from housing_price_orchestrator.provider.model_server.mlflow_comparables_model import MLflowComparablesModel
from housing_price_orchestrator.shared.ports import Comparables, ComparablesQuestion
from housing_price_orchestrator.shared.view.example import EXAMPLE_HOUSE

ROWS = 20
BLEND = Blend(0.5, 0.05, 0.8, 0.25, ConfidenceLimits(0.07, 0.14))

ACCEPTED: dict[str, dict[str, str]] = {
    "the numbers of the file": {},
    "a number twice": {"Id": "5"},
    "a number of zero": {"Id": "0"},
    "a negative number": {"Id": "-3"},
    "a number with a fraction": {"Id": "1.5"},
    "a number beyond 64 bits": {"Id": "99999999999999999999"},
    "no number": {"Id": ""},
    "a parcel number": {"PID": "0526-301.100_A"},
    "a parcel number with spaces": {"PID": "05 26 30"},
    "a parcel number with slashes": {"PID": "../05/26"},
    "a parcel number of another alphabet": {"PID": "\u0966\u0967"},
    "a parcel number that is long": {"PID": "9" * 33},
    "a negative parcel number": {"PID": "-1"},
    "an area with a fraction": {"GrLivArea": "1500.25"},
    "the largest area": {"GrLivArea": "20000"},
    "a garage of the future": {"GarageYrBlt": "2207"},
    "a lot front of blanks": {"LotFrontage": ""},
    "a price with cents": {"SalePrice": "150000.55"},
    "the lowest price": {"SalePrice": "1000"},
    "the highest price": {"SalePrice": "100000000"},
    "other words for numbers": {"OverallQual": "5.0", "YrSold": "2.01e3"},
}
"""Cells of a user's file that stand for another number, for none, or for an unusual one."""

REFUSED: dict[str, dict[str, str]] = {
    "half a bath": {"FullBath": "2.5"},
    "half a car": {"GarageCars": "1.5"},
    "a quality of eleven": {"OverallQual": "11"},
    "a quality of zero": {"OverallQual": "0"},
    "half a grade": {"OverallCond": "4.5"},
    "a negative area": {"LotArea": "-1"},
    "no lot": {"LotArea": "0"},
    "an area beyond all": {"GrLivArea": "1e300"},
    "a thirteenth month": {"MoSold": "13"},
    "half a month": {"MoSold": "6.5"},
    "a year with two digits": {"YrSold": "9"},
    "half a year": {"YrSold": "2009.5"},
    "a price in thousands": {"SalePrice": "208.5"},
    "a price beyond all": {"SalePrice": "1e12"},
}


def written(path: Path, cells: dict[str, str]) -> Path:
    """Write houses of the survey, of which the second one has other cells."""
    with BUNDLED.open(newline="", encoding="utf-8") as file:
        rows = [row | {"PID": ""} for row, _ in zip(csv.DictReader(file), range(ROWS), strict=False)]
    rows[1] |= cells
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


async def sales_of(path: Path, folder: Path) -> Comparables:
    """Pack the houses of a file, and find all of them as the orchestrator does."""
    houses = read_houses(path)
    predict = load_comparables(pack_comparables(houses, BLEND, folder).artifacts)

    def answer(request: httpx.Request) -> httpx.Response:
        call: dict[str, Any] = orjson.loads(request.content)
        question = houses.features.head(1).assign(LotArea=1_234.0)
        (found,) = predict(question, call["params"]).to_dict("records")
        return httpx.Response(200, content=orjson.dumps({"predictions": [found]}))

    async with MLflowClient(httpx.MockTransport(answer), httpx.URL("http://sold"), timeout=httpx.Timeout(10)) as client:
        model = MLflowComparablesModel(client, model_name="housing-comparables")
        (found,) = await model.answer([ComparablesQuestion(EXAMPLE_HOUSE, ROWS)])
        return found


@pytest.mark.parametrize("name", ACCEPTED)
def test_sold_house_that_training_accepts_is_a_comparable_sale(name: str, tmp_path: Path) -> None:
    found = asyncio.run(sales_of(written(tmp_path / "houses.csv", ACCEPTED[name]), tmp_path))
    assert len(found.sales) == ROWS
    assert len({sale.id for sale in found.sales}) == ROWS


@pytest.mark.parametrize("name", REFUSED)
def test_sold_house_that_the_orchestrator_would_refuse_is_refused_at_training(name: str, tmp_path: Path) -> None:
    (column,) = REFUSED[name]
    with pytest.raises(DataError, match=f"line 3, {column}: "):
        read_houses(written(tmp_path / "houses.csv", REFUSED[name]))
