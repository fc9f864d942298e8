"""Responses are encoded as their views describe, in slices."""

import pytest

from event_loop import turns_during
from factories import house, houses
from fakes import FakePriceModel
from housing_price_orchestrator.interface.documents.encoding import (
    HOUSES_PER_SLICE,
    encode_prediction,
    encode_predictions,
)
from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.service.input_warnings import InputWarnings
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.house import House
from housing_price_orchestrator.shared.view.price import (
    INTERVAL_LEVEL,
    ModelName,
    PricedBatch,
    PricedHouse,
    PriceInterval,
)

pytestmark = pytest.mark.anyio

ESTIMATES = [
    PriceEstimate(105_000.0, 90_000.5, 120_000.25, ModelIdentity("housing-price", "3", "abc")),
    PriceEstimate(0.1 + 0.2, 1e-9, 1e15, ModelIdentity('quote"\\', "é\u2028", "\U0001f3e0")),
]

SILENT = InputWarnings(row_of)


def transaction_ids(count: int) -> list[str]:
    return [f"{number:032x}" for number in range(count)]


def view_of(priced: House, estimate: PriceEstimate, transaction_id: str) -> PricedHouse:
    return PricedHouse.model_construct(
        id=priced.id,
        transaction_id=transaction_id,
        predicted_price=estimate.price_usd,
        price_interval=PriceInterval.model_construct(
            low=estimate.low_usd, high=estimate.high_usd, level=INTERVAL_LEVEL
        ),
        model=ModelName.model_construct(name=estimate.model.name, version=estimate.model.version, id=estimate.model.id),
    )


@pytest.mark.parametrize("estimate", ESTIMATES)
@pytest.mark.parametrize("number", [1, 1461, 2**53 + 1, 2**63 - 1])
def test_an_encoded_prediction_matches_its_view(estimate: PriceEstimate, number: int) -> None:
    priced = house(id=number)
    (transaction_id,) = transaction_ids(1)
    read = PricedHouse.model_validate_json(encode_prediction(priced, estimate, transaction_id, SILENT))
    assert read == view_of(priced, estimate, transaction_id)


@pytest.mark.parametrize("count", [1, 2, HOUSES_PER_SLICE - 1, HOUSES_PER_SLICE, HOUSES_PER_SLICE + 1, 1000])
async def test_an_encoded_batch_matches_its_view(count: int) -> None:
    batch = houses(count)
    estimates = await FakePriceModel().answer(batch)
    ids = transaction_ids(count)
    read = PricedBatch.model_validate_json(await encode_predictions(batch, estimates, ids, SILENT))
    assert read.predictions == [view_of(*one) for one in zip(batch, estimates, ids, strict=True)]


async def test_encoding_yields_to_other_requests_between_slices() -> None:
    batch = houses(10 * HOUSES_PER_SLICE)
    estimates = await FakePriceModel().answer(batch)
    # Ten slices have nine pauses; the other task starts in the first one.
    assert await turns_during(encode_predictions(batch, estimates, transaction_ids(len(batch)), SILENT)) == 8


async def test_a_batch_of_one_equals_a_single_prediction() -> None:
    single = encode_prediction(house(), ESTIMATES[0], "0", SILENT)
    assert await encode_predictions([house()], ESTIMATES[:1], ["0"], SILENT) == b'{"predictions":[' + single + b"]}"


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_a_wrong_number_of_estimates_is_never_encoded(count: int) -> None:
    with pytest.raises(ValueError, match=r"zip\(\)"):
        await encode_predictions(houses(2), (ESTIMATES * 2)[:count], transaction_ids(2), SILENT)
    with pytest.raises(ValueError, match=r"zip\(\)"):
        await encode_predictions(houses(2), ESTIMATES[:2], transaction_ids(count), SILENT)
