"""Each part of a valuation counts once, by its outcome."""

from collections.abc import Mapping

import pytest

from factories import house
from fakes import FakeComparablesModel, FakePriceModel
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.service.valuation.typical_house import TYPICAL_HOUSE
from housing_price_orchestrator.service.valuation.valuations import Valuations
from housing_price_orchestrator.shared.errors import CircuitOpen
from housing_price_orchestrator.shared.ports import ComparablesModel
from housing_price_orchestrator.shared.view.valuation import ValuationPart

pytestmark = pytest.mark.anyio

BOTH: tuple[ValuationPart, ...] = ("comparables", "explanation")


def failing(error: Exception) -> FakeComparablesModel:
    model = FakeComparablesModel()
    model.error = error
    return model


async def counted(
    comparables: ComparablesModel | None, *include: ValuationPart, houses: int = 1
) -> Mapping[tuple[str, ...], float]:
    metrics = Metrics()
    service = Valuations(
        Pricing(FakePriceModel()), comparables, typical_house=TYPICAL_HOUSE, deadline_seconds=30, metrics=metrics
    )
    await service.value_all([house(id=number + 1) for number in range(houses)], include)
    return {labels: value for labels, (value,) in metrics.valuation_parts.readings()}


async def test_parts_that_answer() -> None:
    assert await counted(FakeComparablesModel(), *BOTH, houses=2) == {
        ("comparables", "answered"): 2,
        ("explanation", "answered"): 2,
    }


async def test_explanation_that_is_left_out_does_not_count() -> None:
    assert await counted(FakeComparablesModel()) == {("comparables", "answered"): 1}


async def test_failed_comparables_count_by_the_name_of_the_error_and_the_explanation_answers() -> None:
    assert await counted(failing(CircuitOpen("away", seconds_left=1.0)), "explanation", houses=3) == {
        ("comparables", "CircuitOpen"): 3,
        ("explanation", "answered"): 3,
    }


async def test_unexpected_error_counts_as_a_defect() -> None:
    assert await counted(failing(RuntimeError("a bug"))) == {("comparables", "defect"): 1}


async def test_service_without_a_comparables_model_counts_that() -> None:
    assert await counted(None) == {("comparables", "ComparablesOff"): 1}
