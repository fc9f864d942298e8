"""Calls over gRPC: single houses one after the other, or a stream; answers are checked after the measured time."""

import argparse
import gc
import json
import time
from collections.abc import Iterator
from itertools import batched, cycle, islice
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf import json_format

from benchmarks import houses
from benchmarks.clients.checker import Checker, quantiles_ms
from housing_price_orchestrator.interface.grpc.documents.writing import house_message
from housing_price_orchestrator.interface.grpc.generated import price_pb2
from housing_price_orchestrator.shared.view.house import House

SERVICE: Final = "/housing.price.v1.PriceService"
WARM_UP_CALLS: Final = 200
HOUSES_PER_MESSAGE: Final = 1_000


def main() -> None:
    """Send until the time is over, or stream a number of houses; then print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--expected", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--houses", type=int, default=0)
    options = parser.parse_args()
    messages = [house_message(House.model_validate(document)) for document in houses.documents()]
    checker = Checker(options.expected, 1)
    gc.freeze()
    gc.disable()
    with grpc.insecure_channel(f"127.0.0.1:{options.port}") as channel:
        if options.houses:
            figures = _stream(channel, messages, options.houses, checker)
        else:
            figures = _sequential(channel, messages, options.seconds, checker)
    print(json.dumps(figures | checker.summary()))  # noqa: T201 - the result


def _sequential(
    channel: grpc.Channel, messages: list[price_pb2.House], seconds: float, checker: Checker
) -> dict[str, Any]:
    call = channel.unary_unary(
        f"{SERVICE}/Predict",
        request_serializer=price_pb2.PredictRequest.SerializeToString,
        response_deserializer=price_pb2.PredictResponse.FromString,
    )
    requests = [price_pb2.PredictRequest(house=message) for message in messages]
    for request in requests[:WARM_UP_CALLS]:
        call(request)
    times: list[float] = []
    answers: list[Any] = []
    end = time.perf_counter() + seconds
    for request in cycle(requests):
        started = time.perf_counter()
        if started > end and times:
            break
        answers.append(call(request))
        times.append(time.perf_counter() - started)
    for number, answer in enumerate(answers):
        _check(number, answer.prediction, checker)
    return {"requests": len(times), **quantiles_ms(times)}


def _stream(channel: grpc.Channel, messages: list[price_pb2.House], count: int, checker: Checker) -> dict[str, Any]:
    call = channel.stream_stream(
        f"{SERVICE}/PredictStream",
        request_serializer=price_pb2.PredictStreamRequest.SerializeToString,
        response_deserializer=price_pb2.PredictStreamResponse.FromString,
    )
    requests = [
        price_pb2.PredictStreamRequest(houses=some)
        for some in batched(islice(cycle(messages), count), HOUSES_PER_MESSAGE, strict=False)
    ]

    def sent() -> Iterator[price_pb2.PredictStreamRequest]:
        yield from requests

    started = time.perf_counter()
    results = [result for response in call(sent()) for result in response.results]
    seconds = time.perf_counter() - started
    if len(results) != count:
        checker.count_error(f"{len(results)} results for {count} houses")
    for number, result in enumerate(results):
        _check(number, result.prediction, checker)
    return {"rows_per_second": round(count / seconds, 1), "seconds": round(seconds, 3)}


def _check(number: int, prediction: price_pb2.PricedHouse, checker: Checker) -> None:
    document = json_format.MessageToDict(prediction)
    document["id"] = int(document["id"])
    checker.check(number, 200, json.dumps(document).encode())


if __name__ == "__main__":
    main()
