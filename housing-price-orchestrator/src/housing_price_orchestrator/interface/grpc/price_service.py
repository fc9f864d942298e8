"""`housing.price.v1.PriceService`: the operations."""

import time
from typing import Final

from housing_price_orchestrator.interface.grpc.call import Call, Handler
from housing_price_orchestrator.interface.grpc.call_handling import CallHandling
from housing_price_orchestrator.interface.grpc.documents.reading import (
    read_batch_request,
    read_predict_request,
    read_value_request,
)
from housing_price_orchestrator.interface.grpc.documents.valuation_writing import valuation
from housing_price_orchestrator.interface.grpc.documents.writing import priced_house, priced_houses
from housing_price_orchestrator.interface.grpc.generated import price_pb2
from housing_price_orchestrator.interface.grpc.pricing_stream import PricingStream
from housing_price_orchestrator.shared.view.house import MAX_BATCH_HOUSES
from housing_price_orchestrator.shared.view.valuation import ValuationPart

SERVICE_NAME: Final = price_pb2.DESCRIPTOR.services_by_name["PriceService"].full_name


def price_service(handling: CallHandling) -> dict[str, Handler]:
    """Return the handler of each method, by its name."""
    handlers = {
        name: handling.unary(_route(name), operation)
        for name, operation in {"Predict": _predict, "PredictBatch": _predict_batch, "Value": _value}.items()
    }
    return handlers | {"PredictStream": handling.stream(_route("PredictStream"), _predict_stream)}


def _route(method: str) -> str:
    return f"/{SERVICE_NAME}/{method}"


async def _predict(call: Call) -> bytes:
    services, record = call.services, call.record
    message = await call.read_only_message(max_bytes=services.body_limits.predict_bytes)
    started_at = time.perf_counter()
    try:
        house = read_predict_request(message)
    finally:
        record.validate_seconds = time.perf_counter() - started_at
    record.rows = 1
    estimate = await services.pricing.price(house, within_seconds=call.within_seconds)
    priced_at = time.perf_counter()
    (transaction_id,) = services.transactions.complete((house,), (estimate,))
    prediction = priced_house(house, estimate, transaction_id, services.input_warnings)
    answer = price_pb2.PredictResponse(prediction=prediction).SerializeToString()
    call.complete((estimate,), priced_at)
    return answer


async def _predict_batch(call: Call) -> bytes:
    services, record = call.services, call.record
    message = await call.read_only_message(max_bytes=call.limits.message_bytes)
    started_at = time.perf_counter()
    try:
        houses = await read_batch_request(message, max_houses=MAX_BATCH_HOUSES)
    finally:
        record.validate_seconds = time.perf_counter() - started_at
    record.rows = len(houses)
    estimates = await services.pricing.price_all(houses, within_seconds=call.within_seconds)
    priced_at = time.perf_counter()
    transaction_ids = services.transactions.complete(houses, estimates)
    response = await priced_houses(houses, estimates, transaction_ids, services.input_warnings)
    answer = response.SerializeToString()
    call.complete(estimates, priced_at)
    return answer


async def _predict_stream(call: Call) -> None:
    await PricingStream(call).run()


async def _value(call: Call) -> bytes:
    services, record = call.services, call.record
    message = await call.read_only_message(max_bytes=services.body_limits.predict_bytes)
    started_at = time.perf_counter()
    try:
        house, request = read_value_request(message)
    finally:
        record.validate_seconds = time.perf_counter() - started_at
    record.rows = 1
    include = _included_parts(request)
    (valued,) = await services.valuations.value_all((house,), include, within_seconds=call.within_seconds)
    priced_at = time.perf_counter()
    (transaction_id,) = services.transactions.complete((house,), (valued.price,), (valued.record(),))
    response = price_pb2.ValueResponse(
        valuation=valuation(valued, transaction_id, services.input_warnings, with_comparables="comparables" in include)
    )
    answer = response.SerializeToString()
    call.complete((valued.price,), priced_at)
    return answer


def _included_parts(request: price_pb2.ValueRequest) -> tuple[ValuationPart, ...]:
    """Return the parts to include: all that the request does not turn off."""
    parts: list[ValuationPart] = []
    if request.include_comparables or not request.HasField("include_comparables"):
        parts.append("comparables")
    if request.include_explanation or not request.HasField("include_explanation"):
        parts.append("explanation")
    return tuple(parts)
