"""The operations over gRPC: the same prices, checks and errors as over HTTP."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from fastapi.testclient import TestClient
from google.protobuf import json_format

from factories import bearer, house_json, houses_json, new_key, services_of, settings_for
from housing_price_orchestrator.interface.grpc.generated import price_pb2
from housing_price_orchestrator.interface.grpc.statuses import status_of
from housing_price_orchestrator.shared import errors
from housing_price_orchestrator.shared.view.house import MAX_BATCH_HOUSES
from rpc_client import RpcClient, house_message, is_priced, priced, rpc_address_of, rpc_client, rpc_client_of
from servers import SECRET, StubModelServer, says, slowly
from waiting import wait_until

type StartRpc = Callable[..., RpcClient]
type Served = tuple[TestClient, RpcClient]

HOUSE = house_json()
CODE = grpc.StatusCode


def batch(houses: list[dict[str, Any]]) -> price_pb2.PredictBatchRequest:
    return price_pb2.PredictBatchRequest(houses=map(house_message, houses))


def part(houses: list[dict[str, Any]]) -> price_pb2.PredictStreamRequest:
    return price_pb2.PredictStreamRequest(houses=map(house_message, houses))


def as_json(message: Any) -> dict[str, Any]:
    """A message as JSON, with whole numbers of 64 bits as numbers."""
    document: dict[str, Any] = json_format.MessageToDict(message)
    return document | {"id": int(document["id"])}


def prediction_over_http(api: TestClient, house: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = api.post("/api/v1/price/predict", json=house).json()
    return answer


def test_a_house_has_the_same_prediction_as_over_http(served: Served) -> None:
    api, rpc = served
    expected = prediction_over_http(api, HOUSE)
    found = as_json(priced(rpc.predict(HOUSE)))
    assert found.pop("transactionId") != expected.pop("transactionId")
    assert found == expected


def test_a_batch_has_one_prediction_per_house_in_order(served: Served) -> None:
    api, rpc = served
    houses = houses_json(300)
    answer = rpc.call("PredictBatch", batch(houses))
    found = price_pb2.PredictBatchResponse.FromString(answer.message).predictions
    over_http = api.post("/api/v1/price/predict/batch", json={"data": houses}).json()["predictions"]
    assert [(one.id, one.predicted_price) for one in found] == [(one["id"], one["predictedPrice"]) for one in over_http]


def test_invalid_fields_are_the_violations_of_a_bad_request(rpc: RpcClient) -> None:
    answer = rpc.predict(house_json(lotArea=0, overallQual=11, street=None))
    assert answer.code is CODE.INVALID_ARGUMENT
    assert answer.violations == {
        "house.lotArea": "Input should be greater than or equal to 1",
        "house.street": "Field required",
        "house.overallQual": "Input should be less than or equal to 10",
    }


def test_an_error_has_the_problem_of_http(served: Served) -> None:
    api, rpc = served
    info = rpc.predict(house_json(lotArea=0), metadata=[("x-request-id", "my.own-id")]).details["ErrorInfo"]
    assert (info.reason, info.domain) == ("INVALID_DOCUMENT", "housing-price")
    assert info.metadata["type"] == "urn:housing-price:problem:invalid-document"
    assert (info.metadata["title"], info.metadata["status"]) == ("Validation failed", "422")
    assert info.metadata["requestId"] == "my.own-id"
    # And one that is a problem document over HTTP.
    over_http = api.post("/api/v1/price/predict", content=b" " * 70_000).json()
    info = rpc.call("Predict", b"\x00" * 70_000).details["ErrorInfo"]
    assert {key: info.metadata[key] for key in ("type", "title", "detail")} == {
        key: over_http[key] for key in ("type", "title", "detail")
    }


def test_violations_of_a_batch_name_the_house(rpc: RpcClient) -> None:
    answer = rpc.call("PredictBatch", batch([HOUSE, house_json(lotArea=0)]))
    assert set(answer.violations) == {"houses[1].lotArea"}


@pytest.mark.parametrize("count", [0, MAX_BATCH_HOUSES + 1])
def test_a_batch_with_too_few_or_too_many_houses_is_refused(rpc: RpcClient, count: int) -> None:
    answer = rpc.call("PredictBatch", b"\x0a\x00" * count)
    assert answer.code is CODE.INVALID_ARGUMENT
    assert set(answer.violations) == {"houses"}


def test_thousands_of_errors_fit_into_the_metadata_of_any_client(rpc: RpcClient) -> None:
    answer = rpc.call("PredictBatch", b"\x0a\x00" * 500)
    assert answer.code is CODE.INVALID_ARGUMENT
    assert len(answer.trailers["grpc-status-details-bin"]) < 5_000
    *_, last = answer.details["BadRequest"].field_violations
    assert "more errors are not listed" in last.description


HOSTILE = {
    "truncated": (b"\x0a\x7f\x08", CODE.INVALID_ARGUMENT),
    "not protobuf": (b"\xff\xff\xff\xff", CODE.INVALID_ARGUMENT),
    "empty": (b"", CODE.INVALID_ARGUMENT),
    "invalid UTF-8": (b"\x0a\x04\xf2\x3f\x01\xff", CODE.INVALID_ARGUMENT),
    "JSON": (json.dumps(HOUSE).encode(), CODE.INVALID_ARGUMENT),
    "larger than the operation allows": (b"\x0a" * 70_000, CODE.RESOURCE_EXHAUSTED),
    "larger than the server allows": (b"\x0a\x00" * 10_000_000, CODE.RESOURCE_EXHAUSTED),
    "deeply nested": (b"\x0b" * 50_000, CODE.INVALID_ARGUMENT),
}


@pytest.mark.parametrize(("message", "code"), HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("method", ["Predict", "Value"])
def test_bytes_that_are_no_request_are_refused(rpc: RpcClient, method: str, message: bytes, code: CODE) -> None:
    assert rpc.call(method, message).code is code
    assert is_priced(rpc.predict(HOUSE))


@pytest.mark.parametrize("name", sorted(set(HOSTILE) - {"empty"}))
def test_bytes_that_are_no_batch_are_refused(rpc: RpcClient, name: str) -> None:
    answer = rpc.call("PredictBatch", HOSTILE[name][0])
    assert answer.code in {CODE.INVALID_ARGUMENT, CODE.RESOURCE_EXHAUSTED}
    assert is_priced(rpc.predict(HOUSE))


@pytest.mark.parametrize("name", sorted(set(HOSTILE) - {"empty", "invalid UTF-8"}))
def test_bytes_that_are_no_message_end_a_stream_after_the_earlier_results(rpc: RpcClient, name: str) -> None:
    results, answer = rpc.stream([part([HOUSE]), HOSTILE[name][0]])
    assert answer.code in {CODE.INVALID_ARGUMENT, CODE.RESOURCE_EXHAUSTED}
    assert len(results) <= 1


def test_a_malformed_house_of_a_stream_yields_an_error_in_its_place(rpc: RpcClient) -> None:
    results, answer = rpc.stream([HOSTILE["invalid UTF-8"][0], b"\x0a\x02\xff\xff", part([HOUSE])])
    assert answer.code is CODE.OK
    assert [one.error.violations[0].reason for one in results[:2]] == ["extra_forbidden", "protobuf_invalid"]
    assert results[2].prediction.id == HOUSE["id"]


@pytest.mark.parametrize(
    "metadata", [[("x-large", "x" * 20_000)], [(f"x-{number}", "x" * 1_000) for number in range(40)]]
)
def test_huge_metadata_is_refused(rpc: RpcClient, metadata: list[tuple[str, str]]) -> None:
    assert rpc.predict(HOUSE, metadata=metadata).code is CODE.RESOURCE_EXHAUSTED
    assert is_priced(rpc.predict(HOUSE))


def test_binary_metadata_of_any_bytes_is_ignored(rpc: RpcClient) -> None:
    assert is_priced(rpc.predict(HOUSE, metadata=[("x-any-bin", bytes(range(256)))]))


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compressed_messages_are_refused(rpc: RpcClient, compression: grpc.Compression) -> None:
    assert rpc.predict(HOUSE, compression=compression).code is CODE.UNIMPLEMENTED
    assert is_priced(rpc.predict(HOUSE))


def test_an_unknown_method_is_unimplemented(rpc: RpcClient) -> None:
    assert rpc.call("Sell", b"").code is CODE.UNIMPLEMENTED


@pytest.mark.parametrize("service", ["grpc.health.v1.Health/Check", "grpc.health.v1.Health/Watch"])
def test_bytes_that_are_no_request_of_the_health_service_are_refused(rpc: RpcClient, service: str) -> None:
    assert rpc.call(f"/{service}", b"\xff\xff").code is CODE.INVALID_ARGUMENT


def test_the_request_id_of_the_caller_is_returned_in_either_case(rpc: RpcClient) -> None:
    for house in (HOUSE, house_json(lotArea=0)):
        assert rpc.predict(house, metadata=[("x-request-id", "id-1")]).trailers["x-request-id"] == "id-1"
        other = rpc.predict(house, metadata=[("x-request-id", "not valid!")]).trailers["x-request-id"]
        assert isinstance(other, str)
        assert len(other) == 32


def test_an_unavailable_model_server_is_unavailable_with_a_time_to_retry(rpc: RpcClient, stub: StubModelServer) -> None:
    stub.goes_away()
    try:
        answer = rpc.predict(HOUSE)
        assert answer.code is CODE.UNAVAILABLE
        assert answer.details["RetryInfo"].retry_delay.seconds >= 1
        assert int(answer.trailers["retry-after"]) >= 1
    finally:
        stub.comes_back()


@pytest.mark.parametrize("status", [400, 404, 500, 200])
def test_an_unusable_answer_of_the_model_server_reveals_nothing(
    rpc: RpcClient, stub: StubModelServer, status: int
) -> None:
    stub.behaviour = says(status, SECRET.encode())
    answer = rpc.predict(HOUSE)
    assert answer.code is CODE.UNAVAILABLE
    assert "RetryInfo" not in answer.details
    assert SECRET not in repr(answer)


class FailingModel:
    """A model whose every answer is the same error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def answer(self, _questions: Any, /) -> Any:
        raise self._error


ERRORS_OF_MODELS = (
    errors.QueueFull("full", 3.2),
    errors.CircuitOpen("http://model-server", 2.0),
    errors.ModelChanged(),
    errors.ModelServerBusy(),
    errors.DeadlineExceeded(),
    errors.PriceImplausible(SECRET, ()),
    ZeroDivisionError(SECRET),
)


@pytest.mark.parametrize("error", ERRORS_OF_MODELS, ids=lambda error: type(error).__name__)
def test_each_error_of_a_model_is_the_problem_that_it_is_over_http(served: Served, error: Exception) -> None:
    api, rpc = served
    services_of(api).pricing.use_models(FailingModel(error), bulk_model=FailingModel(error))
    over_http = api.post("/api/v1/price/predict", json=HOUSE)
    problem = over_http.json()
    answer = rpc.predict(HOUSE)
    assert answer.code is status_of(error)
    info = answer.details["ErrorInfo"].metadata
    assert [info[key] for key in ("type", "title", "detail")] == [problem[key] for key in ("type", "title", "detail")]
    assert int(info["status"]) == over_http.status_code
    assert answer.trailers.get("retry-after") == over_http.headers.get("retry-after")
    if "retry-after" in answer.trailers:
        assert answer.details["RetryInfo"].retry_delay.seconds == int(over_http.headers["retry-after"])
    assert SECRET not in repr(answer)


def test_a_house_of_a_stream_that_the_model_cannot_price_yields_the_problem(served: Served) -> None:
    api, rpc = served
    failing = FailingModel(errors.CircuitOpen("http://model-server", 2.0))
    services_of(api).pricing.use_models(failing, bulk_model=failing)
    (result,), answer = rpc.stream([part([HOUSE])])
    assert answer.code is CODE.OK
    assert (result.error.status, result.error.code, result.error.retry_after_seconds) == (503, 14, 2)
    assert (result.id, result.error.type) == (HOUSE["id"], "urn:housing-price:problem:circuit-open")


def test_the_deadline_of_the_service_holds(start_rpc: StartRpc, stub: StubModelServer) -> None:
    rpc = start_rpc(requests={"deadline_seconds": 0.05})
    stub.behaviour = slowly(20, stub.behaviour)
    answer = rpc.predict(HOUSE)
    assert answer.code is CODE.DEADLINE_EXCEEDED
    assert answer.details["ErrorInfo"].reason == "DEADLINE_EXCEEDED"


def test_the_time_limit_in_the_metadata_holds(rpc: RpcClient, stub: StubModelServer) -> None:
    stub.behaviour = slowly(20, stub.behaviour)
    answer = rpc.predict(HOUSE, metadata=[("x-request-timeout-ms", "50")])
    assert answer.code is CODE.DEADLINE_EXCEEDED
    assert answer.details["ErrorInfo"].metadata["status"] == "504"


@pytest.mark.parametrize("value", ["0", "soon", "3600001", "1.5"])
def test_an_invalid_time_limit_is_refused_by_name(rpc: RpcClient, value: str) -> None:
    answer = rpc.predict(HOUSE, metadata=[("x-request-timeout-ms", value)])
    assert answer.code is CODE.INVALID_ARGUMENT
    assert set(answer.violations) == {"metadata.x-request-timeout-ms"}


def test_work_ends_with_the_deadline_of_the_client(served: Served, stub: StubModelServer) -> None:
    api, rpc = served
    stub.behaviour = slowly(20, stub.behaviour)
    assert rpc.predict(HOUSE, timeout=0.2).code is CODE.DEADLINE_EXCEEDED
    page = api.get("/metrics").text
    wait_until(lambda: "housing_price_model_calls_in_flight{" in api.get("/metrics").text, "no such metric")
    wait_until(
        lambda: 'housing_price_model_calls_in_flight{model="price"} 0' in api.get("/metrics").text.replace(".0", ""),
        page,
    )


def test_keys_are_checked_as_over_http(start_rpc: StartRpc, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    key, other = new_key(file, "predict"), new_key(file, "jobs")
    rpc = start_rpc(auth={"keys_file": str(file)})
    assert is_priced(rpc.predict(HOUSE, metadata=list(bearer(key).items())))
    assert is_priced(rpc.predict(HOUSE, metadata=[("x-api-key", key)]))
    missing = rpc.predict(HOUSE)
    assert missing.code is CODE.UNAUTHENTICATED
    assert missing.trailers["www-authenticate"] == 'Bearer realm="housing-price"'
    assert rpc.predict(HOUSE, metadata=[("x-api-key", "hp_wrong")]).code is CODE.UNAUTHENTICATED
    lacking = rpc.predict(HOUSE, metadata=[("x-api-key", other)])
    assert (lacking.code, lacking.details["ErrorInfo"].reason) == (CODE.PERMISSION_DENIED, "SCOPE_MISSING")
    for method in ("PredictBatch", "Value"):
        assert rpc.call(method, b"").code is CODE.UNAUTHENTICATED
    assert rpc.stream([part([HOUSE])])[1].code is CODE.UNAUTHENTICATED
    # As for `/readyz`, monitoring needs no key.
    assert rpc.call("/grpc.health.v1.Health/Check", b"").code is CODE.OK


def test_rate_limits_hold_across_http_and_grpc(start_app: Any, stub: StubModelServer) -> None:
    api = start_app(stub.url, rate_limit={"requests_per_address": "2/hour"}, grpc={"port": 0})
    with rpc_client_of(api) as rpc:
        answers = [rpc.predict(HOUSE) for _ in range(3)]
    assert [answer.code for answer in answers] == [CODE.OK, CODE.OK, CODE.RESOURCE_EXHAUSTED]
    assert answers[0].trailers["ratelimit-policy"] == '"address";q=2;w=3600'
    assert answers[2].details["RetryInfo"].retry_delay.seconds >= 1
    assert answers[2].details["ErrorInfo"].reason == "RATE_LIMIT_EXCEEDED"


def test_only_trusted_proxies_say_who_calls(start_rpc: StartRpc) -> None:
    for trusted, last in ((("127.0.0.1",), CODE.OK), ((), CODE.RESOURCE_EXHAUSTED)):
        rpc = start_rpc(rate_limit={"requests_per_address": "1/hour"}, server={"trusted_proxies": trusted})
        codes = [rpc.predict(HOUSE, metadata=[("x-forwarded-for", f"192.0.2.{number}")]).code for number in (1, 2)]
        assert codes == [CODE.OK, last]


def test_calls_are_counted_like_requests(served: Served) -> None:
    api, rpc = served
    rpc.predict(HOUSE)
    rpc.predict(house_json(lotArea=0))
    page = api.get("/metrics").text
    route = 'method="GRPC",route="/housing.price.v1.PriceService/Predict"'
    assert f'housing_price_request_duration_seconds_count{{{route},status="200"}} 1' in page
    assert f'housing_price_request_duration_seconds_count{{{route},status="422"}} 1' in page
    assert 'housing_price_request_rows_total{route="/housing.price.v1.PriceService/Predict"} 1' in page
    assert 'housing_price_refusals_total{reason="invalid-document"} 1' in page
    assert 'housing_price_validation_failures_total{field="lotArea"} 1' in page


def test_a_stream_has_one_result_per_house_in_order(served: Served) -> None:
    _, rpc = served
    houses = houses_json(1_001)
    results, answer = rpc.stream([part(houses[:1_000]), part(houses[1_000:1_001]), part([])])
    assert answer.code is CODE.OK
    assert [one.position for one in results] == list(range(1, 1_002))
    assert [one.prediction.id for one in results] == [house["id"] for house in houses]


def test_a_house_of_a_stream_that_cannot_be_priced_yields_an_error_in_its_place(rpc: RpcClient) -> None:
    results, answer = rpc.stream([part([HOUSE]), part([house_json(lotArea=0), house_json(id=7)])])
    assert answer.code is CODE.OK
    assert [one.WhichOneof("result") for one in results] == ["prediction", "error", "prediction"]
    error = results[1].error
    assert (error.type, error.status, error.code) == ("urn:housing-price:problem:invalid-document", 422, 3)
    assert [(one.field, one.reason) for one in error.violations] == [("lotArea", "greater_than_equal")]
    assert results[2].prediction.id == 7


def test_more_than_a_thousand_houses_in_a_message_end_the_stream_after_the_earlier_results(rpc: RpcClient) -> None:
    results, answer = rpc.stream([part(houses_json(1_000)), b"\x0a\x00" * 1_001])
    assert len(results) == 1_000
    assert answer.code is CODE.INVALID_ARGUMENT
    assert set(answer.violations) == {"houses"}


def test_results_of_a_stream_arrive_while_the_client_still_sends(rpc: RpcClient) -> None:
    answered: list[bytes] = []

    def requests() -> Iterator[bytes]:
        yield part([HOUSE]).SerializeToString()
        wait_until(lambda: bool(answered), "the first result did not come before the second request")
        yield part([HOUSE]).SerializeToString()

    call = rpc.channel.stream_stream("/housing.price.v1.PriceService/PredictStream")(requests(), timeout=60)
    answered.extend(call)
    assert len(answered) == 2
    assert dict(call.initial_metadata())["x-request-id"]


def test_errors_of_a_stream_become_short_when_they_are_many(rpc: RpcClient) -> None:
    # 2 bytes ask for an answer of thousands.
    results, answer = rpc.stream([b"\x0a\x00" * 1_000])
    assert answer.code is CODE.OK
    assert len(results) == 1_000
    shortest = min(results, key=lambda result: len(result.error.violations)).error
    assert len(results[0].error.violations) > 40
    assert len(shortest.violations) == 4
    assert "more errors are not listed" in shortest.violations[-1].description
    assert sum(one.ByteSize() for one in results) < 1_500_000


def test_an_idle_stream_ends(start_rpc: StartRpc) -> None:
    rpc = start_rpc(requests={"stream_idle_seconds": 0.1})
    answered: list[bytes] = []
    ended = threading.Event()

    def requests() -> Iterator[bytes]:
        yield part([HOUSE]).SerializeToString()
        ended.wait(30)

    call = rpc.channel.stream_stream("/housing.price.v1.PriceService/PredictStream")(requests(), timeout=60)
    with pytest.raises(grpc.RpcError):
        answered.extend(call)
    ended.set()
    assert call.code() is CODE.DEADLINE_EXCEEDED
    assert len(answered) == 1


def test_a_client_that_reads_nothing_is_read_from_no_more_and_then_dropped(
    start_app: Any, stub: StubModelServer
) -> None:
    api = start_app(stub.url, grpc={"port": 0}, requests={"stream_idle_seconds": 0.5})
    sent: list[int] = []
    message = part(houses_json(1_000)).SerializeToString()

    def requests() -> Iterator[bytes]:
        for number in range(1_000):
            sent.append(number)
            yield message

    with rpc_client_of(api) as rpc:
        call = rpc.channel.stream_stream("/housing.price.v1.PriceService/PredictStream")(requests(), timeout=60)
        in_flight = re.compile(r"^housing_price_requests_in_flight (\d+)", re.MULTILINE)
        wait_until(lambda: bool(sent), "nothing was sent")

        def number_in_flight() -> int:
            found = in_flight.search(api.get("/metrics").text)
            return int(found[1]) if found else 0

        # The request for the metrics counts as well.
        wait_until(lambda: number_in_flight() == 2, "the stream did not begin")
        wait_until(lambda: number_in_flight() == 1, "the stream did not end")
        assert len(sent) < 20
        assert is_priced(rpc.predict(HOUSE))
        call.cancel()


def test_a_request_that_never_arrives_ends(start_rpc: StartRpc) -> None:
    rpc = start_rpc(requests={"max_body_seconds": 0.1})

    ended = threading.Event()

    def requests() -> Iterator[bytes]:
        ended.wait(30)
        yield b""

    call = rpc.channel.stream_stream("/housing.price.v1.PriceService/Predict")(requests(), timeout=60)
    with pytest.raises(grpc.RpcError):
        next(call)
    ended.set()
    assert call.code() is CODE.DEADLINE_EXCEEDED
    assert dict(call.trailing_metadata())["x-request-id"]


def test_calls_beyond_the_maximum_are_refused(start_rpc: StartRpc, stub: StubModelServer) -> None:
    rpc = start_rpc(grpc={"port": 0, "max_calls": 1})
    stub.behaviour = slowly(20, stub.behaviour)
    path = "/housing.price.v1.PriceService/Predict"
    first = rpc.channel.unary_unary(path).future(
        price_pb2.PredictRequest(house=house_message(HOUSE)).SerializeToString()
    )
    wait_until(lambda: len(stub.calls) > 1, "the first call did not reach the model server")
    assert rpc.predict(HOUSE).code is CODE.RESOURCE_EXHAUSTED
    first.cancel()


def test_connections_beyond_the_maximum_are_closed(start_app: Any, stub: StubModelServer) -> None:
    address = rpc_address_of(start_app(stub.url, grpc={"port": 0, "max_connections": 1}))
    with rpc_client(address, has_own_connection=True) as further:
        with rpc_client(address, has_own_connection=True) as first:
            assert is_priced(first.predict(HOUSE))
            assert further.predict(HOUSE).code is CODE.UNAVAILABLE
            # The open connection is not affected.
            assert is_priced(first.predict(HOUSE))
        # A closed connection makes room.
        wait_until(lambda: further.predict(HOUSE).code is CODE.OK, "the further connection was never accepted")


def test_calls_beyond_the_maximum_of_a_connection_wait_for_an_earlier_one(
    start_app: Any, stub: StubModelServer
) -> None:
    address = rpc_address_of(start_app(stub.url, grpc={"port": 0, "max_concurrent_streams": 1}))
    ended = threading.Event()

    def requests() -> Iterator[bytes]:
        yield part([HOUSE]).SerializeToString()
        ended.wait(30)

    with rpc_client(address, has_own_connection=True) as busy, rpc_client(address, has_own_connection=True) as other:
        stream = busy.channel.stream_stream("/housing.price.v1.PriceService/PredictStream")(requests(), timeout=60)
        next(stream)
        request = price_pb2.PredictRequest(house=house_message(HOUSE)).SerializeToString()
        waiting = busy.channel.unary_unary("/housing.price.v1.PriceService/Predict").future(request, timeout=60)
        # A later call on another connection is answered before it.
        assert is_priced(other.predict(HOUSE))
        assert is_priced(other.predict(HOUSE))
        assert not waiting.done()
        ended.set()
        assert waiting.result(timeout=30)


def value(rpc: RpcClient, **flags: bool) -> price_pb2.Valuation:
    answer = rpc.call("Value", price_pb2.ValueRequest(house=house_message(HOUSE), **flags))
    assert answer.code is CODE.OK, answer
    return price_pb2.ValueResponse.FromString(answer.message).valuation


def test_a_valuation_is_the_one_of_http(
    start_app: Any, stub: StubModelServer, comparables_stub: StubModelServer
) -> None:
    api = start_app(stub.url, comparables={"base_url": comparables_stub.url}, grpc={"port": 0})
    expected = api.post("/api/v1/valuation", json=HOUSE).json()
    with rpc_client_of(api) as rpc:
        found = value(rpc)
        assert not value(rpc, include_comparables=False).HasField("comparables")
        assert not value(rpc, include_explanation=False).HasField("explanation")
        alone = value(rpc, include_comparables=False, include_explanation=False)
    assert found.value.amount == alone.value.amount == expected["value"]["amount"]
    assert found.value.method == price_pb2.VALUE_METHOD_PRICE_AND_COMPARABLES
    assert found.price.predicted_price == expected["price"]["predictedPrice"]
    assert found.comparables.estimate == expected["comparables"]["estimate"]
    for sale, other in zip(found.comparables.sales, expected["comparables"]["sales"], strict=True):
        assert (sale.id, sale.sale_price, sale.adjusted_price, sale.sold_in) == (
            other["id"],
            other["salePrice"],
            other["adjustedPrice"],
            other["soldIn"],
        )
        assert (sale.distance, sale.weight) == (other["distance"], other["weight"])
        assert sale.house == house_message(other["house"])
        assert [one.usd for one in sale.adjustments.groups] == [one["usd"] for one in other["adjustments"]]
    assert [one.usd for one in found.explanation.differences] == [
        one["usd"] for one in expected["explanation"]["differences"]
    ]
    assert not found.problems


def test_a_failed_part_of_a_valuation_is_named(rpc: RpcClient) -> None:
    found = value(rpc)
    (problem,) = found.problems
    assert problem.part == price_pb2.VALUATION_PART_COMPARABLES
    assert (problem.type, problem.status) == ("urn:housing-price:problem:comparables-off", 404)
    assert found.value.method == price_pb2.VALUE_METHOD_PRICE
    assert not found.value.HasField("confidence")


def test_the_interface_is_off_without_a_port(start_app: Any, stub: StubModelServer) -> None:
    assert settings_for(stub.url).grpc.port is None
    assert start_app(stub.url).app_state["grpc_port"] is None
