"""The document `GET /ranges` of a model server is read, and not trusted."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from factories import house, ranges_json
from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.provider.model_server.input_ranges import MLflowInputRanges
from housing_price_orchestrator.provider.model_server.mlflow_client import client_for
from housing_price_orchestrator.shared.errors import AnswerMalformed, ModelServerFailed, ModelServerUnavailable
from housing_price_orchestrator.shared.input_ranges import InputRanges
from servers import StubModelServer, reserved_port

pytestmark = pytest.mark.anyio


async def ranges_from(url: str) -> InputRanges:
    client = client_for(url, timeout_seconds=10, connect_timeout_seconds=10, connections=1)
    async with client:
        return await MLflowInputRanges(client).input_ranges()


async def test_the_ranges_are_those_of_the_document(stub: StubModelServer) -> None:
    stub.ranges = ranges_json("the-model")
    ranges = await ranges_from(stub.url)
    assert ranges.model_id == "the-model"
    assert ranges.sale_years == (2006, 2010)
    assert ranges.warnings_of(row_of(house())) == ()
    warnings = ranges.warnings_of(row_of(house(grLivArea=1, yrSold=2026, yearBuilt=2030)))
    assert [warning.field for warning in warnings] == ["yearBuilt", "grLivArea", "yrSold"]


async def test_the_document_is_asked_for_like_a_probe_below_the_path_of_the_server(stub: StubModelServer) -> None:
    stub.ranges = ranges_json()
    await ranges_from(f"{stub.url}/models/price/")
    (call,) = stub.range_calls
    assert call.path == "/models/price/ranges"
    assert call.headers["x-request-id"] == "readiness"


async def test_a_word_that_the_model_has_not_seen_has_a_warning(stub: StubModelServer) -> None:
    stub.ranges = ranges_json()
    stub.ranges["categories"] |= {"RoofMatl": ["CompShg", "no word of the survey"], "MSSubClass": [20, 60]}
    ranges = await ranges_from(stub.url)
    codes, material = ranges.warnings_of(row_of(house(roofMatl="WdShngl", msSubClass=40)))
    assert (codes.field, codes.value, codes.words) == ("msSubClass", 40, (20, 60))
    assert (material.field, material.value, material.words) == ("roofMatl", "WdShngl", ("CompShg",))


async def test_columns_that_the_document_does_not_name_have_no_warnings(stub: StubModelServer) -> None:
    stub.ranges = {"model_id": "m", "numbers": {"another": [0, 1]}, "categories": {}}
    assert (await ranges_from(stub.url)).warnings_of(row_of(house(grLivArea=1))) == ()


MALFORMED: list[Callable[[dict[str, Any]], Any]] = [
    lambda document: [document],
    lambda document: {**document, "model_id": 7},
    lambda document: {**document, "model_id": "<script>"},
    lambda document: {**document, "numbers": {"GrLivArea": [1]}},
    lambda document: {**document, "numbers": {"GrLivArea": ["1", "2"]}},
    lambda document: {**document, "numbers": {"GrLivArea": [2, 1]}},
    lambda document: {**document, "numbers": {"GrLivArea": [None, 1]}},
    lambda document: {**document, "numbers": {"GrLivArea": [0, float("nan")]}},
    lambda document: {**document, "categories": {"Street": "Pave"}},
    lambda document: {**document, "categories": {"Street": [None]}},
    lambda document: {key: value for key, value in document.items() if key != "numbers"},
]


@pytest.mark.parametrize("change", MALFORMED)
async def test_a_malformed_document_is_refused(stub: StubModelServer, change: Callable[[dict[str, Any]], Any]) -> None:
    stub.ranges = change(json.loads(json.dumps(ranges_json())))
    with pytest.raises(AnswerMalformed):
        await ranges_from(stub.url)


async def test_a_server_without_the_document_or_without_an_answer_is_told_apart(stub: StubModelServer) -> None:
    with pytest.raises(ModelServerFailed):
        await ranges_from(stub.url)
    with reserved_port() as port, pytest.raises(ModelServerUnavailable):
        await ranges_from(f"http://127.0.0.1:{port}")
