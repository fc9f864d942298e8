"""Makes messages of prices and houses."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from housing_price_orchestrator.interface.grpc.documents.words import NUMBERS_OF_KEY
from housing_price_orchestrator.interface.grpc.generated import price_pb2
from housing_price_orchestrator.service.input_warnings import InputWarnings
from housing_price_orchestrator.shared.input_ranges import FeatureWarning
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.fields import house_fields
from housing_price_orchestrator.shared.view.price import INTERVAL_LEVEL
from housing_price_orchestrator.shared.view.record import AnyHouse

HOUSES_PER_SLICE: Final = 250
"""Predictions made before yielding to the event loop: about 1 ms of work."""

_FIELDS: Final = tuple((field.name, NUMBERS_OF_KEY.get(field.key)) for field in house_fields())


def priced_house(
    house: AnyHouse, estimate: PriceEstimate, transaction_id: str, input_warnings: InputWarnings
) -> price_pb2.PricedHouse:
    """Make the message of one prediction."""
    return price_pb2.PricedHouse(
        id=house.id,
        transaction_id=transaction_id,
        predicted_price=estimate.price_usd,
        price_interval=interval(estimate.low_usd, estimate.high_usd),
        model=model_name(estimate.model),
        degraded=estimate.source == "last-known",
        cached=estimate.source == "cache",
        warnings=feature_warnings(input_warnings.warnings_of(house, estimate)),
    )


async def priced_houses(
    houses: Sequence[AnyHouse],
    estimates: Sequence[PriceEstimate],
    transaction_ids: Sequence[str],
    input_warnings: InputWarnings,
) -> price_pb2.PredictBatchResponse:
    """Make the message of the predictions of a batch."""
    response = price_pb2.PredictBatchResponse()
    for number, triple in enumerate(zip(houses, estimates, transaction_ids, strict=True), start=1):
        response.predictions.append(priced_house(*triple, input_warnings))
        if number % HOUSES_PER_SLICE == 0:
            await asyncio.sleep(0)
    return response


def interval(low_usd: float, high_usd: float) -> price_pb2.PriceInterval:
    """Make the message of an interval."""
    return price_pb2.PriceInterval(low=low_usd, high=high_usd, level=INTERVAL_LEVEL)


def model_name(model: ModelIdentity) -> price_pb2.ModelName:
    """Make the message of a model."""
    return price_pb2.ModelName(name=model.name, version=model.version, id=model.id)


def feature_warnings(warnings: Sequence[FeatureWarning]) -> list[price_pb2.FeatureWarning]:
    """Make the messages of warnings."""
    return [_feature_warning(warning) for warning in warnings]


def _feature_warning(warning: FeatureWarning) -> price_pb2.FeatureWarning:
    message = price_pb2.FeatureWarning(field=warning.field)
    # A code of the survey, such as 20, is a word although it is an integer.
    if warning.words or isinstance(warning.value, str):
        message.word = str(warning.value)
        message.words.extend(map(str, warning.words or ()))
    else:
        message.number = warning.value
    if warning.range:
        message.range.low, message.range.high = warning.range.low, warning.range.high
    return message


def house_message(house: AnyHouse) -> price_pb2.House:
    """Make the message of a house; null features are absent."""
    values: dict[str, Any] = {}
    for name, numbers in _FIELDS:
        value = getattr(house, name)
        if value is not None:
            values[name] = value if numbers is None else numbers[value]
    return price_pb2.House(**values)
