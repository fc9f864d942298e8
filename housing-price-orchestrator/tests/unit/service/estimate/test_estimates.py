"""An estimate asks each model once, and needs both."""

import pytest

from factories import house_json
from fakes import FakeComparablesModel, FakePriceModel
from housing_price_orchestrator.service.estimate.estimates import COMPLETED_HOUSES, Estimates
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.shared.errors import (
    CircuitOpen,
    ComparablesOff,
    HousingPriceError,
    ModelServerUnavailable,
)
from housing_price_orchestrator.shared.ports import ComparablesModel, PriceModel
from housing_price_orchestrator.shared.view.estimate import HouseFacts
from housing_price_orchestrator.shared.view.fields import house_fields

pytestmark = pytest.mark.anyio

FACTS = {"neighborhood": "NAmes", "overall_qual": 5, "year_built": 1961, "gr_liv_area": 896.0}
EVERYTHING = {field.name: house_json()[field.key] for field in house_fields() if field.name != "id"}


def estimates(prices: PriceModel, comparables: ComparablesModel | None) -> Estimates:
    return Estimates(Pricing(prices), comparables, deadline_seconds=30)


async def test_all_completed_houses_are_priced_in_one_call() -> None:
    prices, comparables = FakePriceModel(), FakeComparablesModel()
    found = await estimates(prices, comparables).estimate(7, FACTS)
    ((question,),) = comparables.asked
    assert (question.k, question.known) == (COMPLETED_HOUSES, tuple(FACTS))
    (completed,) = prices.asked
    assert len(completed) == len(found.prices) == len(found.sales) == COMPLETED_HOUSES
    assert {house.id for house in completed} == {7}
    assert all(getattr(house, name) == value for house in completed for name, value in FACTS.items())


async def test_the_estimate_is_between_the_lowest_and_the_highest_price() -> None:
    found = await estimates(FakePriceModel(), FakeComparablesModel()).estimate(None, FACTS)
    usd = sorted(one.price_usd for one in found.prices)
    assert usd[0] < found.price.amount_usd < usd[-1]
    assert found.price.low_usd < usd[0]
    assert found.price.high_usd > usd[-1]


async def test_a_house_of_which_everything_is_known_has_its_own_price() -> None:
    prices = FakePriceModel()
    found = await estimates(prices, FakeComparablesModel()).estimate(1, EVERYTHING)
    assert found.assumed == []
    assert found.price.amount_usd == pytest.approx(found.prices[0].price_usd, abs=0.01)
    assert found.price.low_usd == pytest.approx(found.prices[0].low_usd, abs=0.01)


async def test_features_that_are_left_out_are_assumed_and_null_ones_are_not() -> None:
    found = await estimates(FakePriceModel(), FakeComparablesModel()).estimate(1, {**FACTS, "garage_type": None})
    assumed = {one.key: one.value for one in found.assumed}
    assert "garageType" not in assumed
    assert (assumed["garageCars"], assumed["garageYrBlt"]) == (0, None)
    assert len(assumed) == len(EVERYTHING) - len(FACTS) - 1


@pytest.mark.parametrize("error", [ModelServerUnavailable("refused"), CircuitOpen("http://comparables", 3.0)])
async def test_a_failure_of_either_model_is_the_failure_of_the_estimate(error: HousingPriceError) -> None:
    with pytest.raises(type(error)):
        await estimates(FakePriceModel(), FakeComparablesModel(error=error)).estimate(1, FACTS)
    with pytest.raises(type(error)):
        await estimates(FakePriceModel(error=error), FakeComparablesModel()).estimate(1, FACTS)


async def test_without_a_comparables_model_there_is_no_estimate() -> None:
    prices = FakePriceModel()
    with pytest.raises(ComparablesOff):
        await estimates(prices, None).estimate(1, FACTS)
    assert prices.asked == []


def test_the_view_tells_null_from_a_feature_that_is_left_out() -> None:
    document = {"neighborhood": "NAmes", "overallQual": 5, "yearBuilt": 1961, "grLivArea": 896, "garageType": None}
    assert HouseFacts.model_validate(document).known() == {**FACTS, "garage_type": None}


def test_the_view_has_the_fields_of_a_house() -> None:
    assert [name for name in HouseFacts.model_fields if name != "id"] == list(EVERYTHING)
