import asyncio
import json
import ssl
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from certificates import certificate
from housing_price_orchestrator.provider.model_server.mlflow_client import ERROR_OF_EXCEPTION, MLflowClient, client_for
from housing_price_orchestrator.shared import errors
from servers import Call, StubModelServer, hangs, predicts, reserved_port, says

pytestmark = pytest.mark.anyio

SECONDS = 10.0


def kinds_of(kind: type[httpx.HTTPError]) -> Iterator[type[httpx.HTTPError]]:
    yield kind
    for one in kind.__subclasses__():
        yield from kinds_of(one)


RAISED_BY_HTTPX = [
    kind
    for kind in kinds_of(httpx.HTTPError)
    # Abstract base classes, and the error of raise_for_status, which is never called.
    if not kind.__subclasses__() and kind is not httpx.HTTPStatusError
]


def client(url: str, seconds: float = SECONDS) -> MLflowClient:
    return client_for(url, timeout_seconds=seconds, connect_timeout_seconds=SECONDS, connections=4)


@pytest.mark.parametrize("kind", RAISED_BY_HTTPX)
def test_every_httpx_error_has_an_entry_in_the_error_table(kind: type[httpx.HTTPError]) -> None:
    assert any(parent in ERROR_OF_EXCEPTION for parent in kind.__mro__)


@pytest.mark.parametrize("kind", RAISED_BY_HTTPX)
async def test_every_httpx_error_is_translated(kind: type[httpx.HTTPError]) -> None:
    router = respx.Router(base_url="http://model")
    router.post("/invocations").mock(side_effect=kind("broken"))
    transport = httpx.MockTransport(router.async_handler)
    async with MLflowClient(transport, httpx.URL("http://model"), timeout=httpx.Timeout(SECONDS)) as mlflow:
        with pytest.raises((errors.ModelServerError, errors.DeadlineExceeded)) as raised:
            await mlflow.invoke(["a"], [b"[1]"])
    assert isinstance(raised.value.__cause__, kind)


async def test_parameters_of_the_model_are_sent_beside_the_rows(stub: StubModelServer) -> None:
    async with client(stub.url) as mlflow:
        await mlflow.invoke(["a"], [b"[1]", b"[2]"], params=b'{"k":20,"known":["a"]}')
        await mlflow.invoke(["a"], [b"[1]"])
    with_params, without = stub.calls
    assert (with_params.rows, with_params.params) == ([[1], [2]], {"k": 20, "known": ["a"]})
    assert list(json.loads(without.body)) == ["dataframe_split"]


async def test_the_request_is_dataframe_split_with_columns_in_order(stub: StubModelServer) -> None:
    async with client(stub.url) as mlflow:
        answer = await mlflow.invoke(["b", "a", "1st"], [b'[1,null,"x"]', '[2.5,true,"é"]'.encode()], call_id="call-7")
    (call,) = stub.calls
    assert call.path == "/invocations"
    assert call.columns == ["b", "a", "1st"]
    assert call.rows == [[1, None, "x"], [2.5, True, "é"]]
    assert call.headers["x-request-id"] == "call-7"
    assert call.headers["content-type"] == "application/json"
    assert len(answer.predictions) == 2


def _document_with(predictions: list[Any], _made: object) -> dict[str, Any]:
    return {"predictions": predictions}


async def test_a_server_with_an_untrusted_certificate_gets_no_request(tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made = certificate(tmp_path)
    context.load_cert_chain(made.cert_file, made.key_file)
    received: list[bytes] = []

    async def keep_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read(1))
        writer.close()

    async with await asyncio.start_server(keep_and_close, "localhost", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        async with client(f"https://localhost:{port}") as mlflow:
            with pytest.raises(errors.ModelServerUnavailable, match="certificate verify failed"):
                await mlflow.invoke(["a"], [b"[1]"])
    assert not any(received)


async def test_predictions_are_returned_unchanged_whatever_their_shape(stub: StubModelServer) -> None:
    for predictions in ([1.5], ["text"], [[1, 2]], [{"a": None}], [None]):
        stub.behaviour = predicts(partial(_document_with, predictions))
        async with client(stub.url) as mlflow:
            assert (await mlflow.invoke(["a"], [b"[1]"])).predictions == predictions


async def test_the_model_name_and_version_are_read_from_headers(stub: StubModelServer) -> None:
    stub.behaviour = predicts(x_model_name="prices", x_model_version="7")
    async with client(stub.url) as mlflow:
        answer = await mlflow.invoke(["a"], [b"[1]"])
    assert (answer.model_name, answer.model_version) == ("prices", "7")


async def test_the_model_name_and_version_are_optional(stub: StubModelServer) -> None:
    async with client(stub.url) as mlflow:
        answer = await mlflow.invoke(["a"], [b"[1]"])
    assert (answer.model_name, answer.model_version) == (None, None)


async def test_connections_are_reused(stub: StubModelServer) -> None:
    ports: set[int] = set()
    good = predicts()

    async def behave(call: Call, writer: asyncio.StreamWriter) -> None:
        ports.add(writer.get_extra_info("peername")[1])
        await good(call, writer)

    stub.behaviour = behave
    async with client(stub.url) as mlflow:
        for _ in range(5):
            await mlflow.invoke(["a"], [b"[1]"])
    assert len(ports) == 1


async def test_proxies_from_the_environment_are_ignored(stub: StubModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with reserved_port() as port:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        async with client(stub.url) as mlflow:
            assert (await mlflow.invoke(["a"], [b"[1]"])).predictions


async def test_a_redirect_is_not_followed(stub: StubModelServer) -> None:
    stub.behaviour = says(302, headers={"location": stub.url + "/elsewhere"})
    async with client(stub.url) as mlflow:
        with pytest.raises(errors.ModelServerFailed):
            await mlflow.invoke(["a"], [b"[1]"])
    assert [call.path for call in stub.calls] == ["/invocations"]


async def test_a_read_timeout_is_a_missed_deadline(stub: StubModelServer) -> None:
    stub.behaviour = hangs
    async with client(stub.url, seconds=0.2) as mlflow:
        with pytest.raises(errors.DeadlineExceeded):
            await mlflow.invoke(["a"], [b"[1]"])


async def test_the_client_works_again_after_a_failure(stub: StubModelServer) -> None:
    async with client(stub.url) as mlflow:
        stub.behaviour = says(500, b"no")
        with pytest.raises(errors.ModelServerFailed):
            await mlflow.invoke(["a"], [b"[1]"])
        stub.goes_away()
        with pytest.raises(errors.ModelServerUnavailable):
            await mlflow.invoke(["a"], [b"[1]"])
        stub.comes_back()
        stub.behaviour = predicts()
        assert (await mlflow.invoke(["a"], [b"[1]"])).predictions
