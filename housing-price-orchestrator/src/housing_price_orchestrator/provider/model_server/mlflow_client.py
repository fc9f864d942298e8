"""A client for any MLflow model behind `/invocations`, under MLflow's own scoring server or MLServer."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, cast

import aiohttp
import httpx
import jiter
import orjson
from httpx_aiohttp import AiohttpTransport
from opentelemetry.trace import Tracer

from housing_price_orchestrator.provider.tracing import TracedTransport
from housing_price_orchestrator.shared import errors

MODEL_NAME_HEADER = "x-model-name"
MODEL_VERSION_HEADER = "x-model-version"
CALL_ID_HEADER = "x-request-id"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/@+-]{0,127}")
"""What a model, its version and its id may be called: the only words of a model server that reach callers."""

KEEPALIVE_SECONDS = 4.0
"""An idle connection is given up a second before uvicorn, which the model server runs on, gives it up."""

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""An answer beyond this is not read to its end: 10,000 rows of this product's model take under 2 MiB."""

ERROR_OF_STATUS: dict[int, type[errors.ModelServerError]] = {
    400: errors.RowsRefused,
    429: errors.ModelServerBusy,
    502: errors.ModelServerUnavailable,
    503: errors.ModelServerUnavailable,
    504: errors.ModelServerUnavailable,
}
"""What a status of the model server means; every other one but 200 is `ModelServerFailed`."""

ERROR_OF_EXCEPTION: dict[type[Exception], type[errors.HousingPriceError]] = {
    # Timeouts while connecting or waiting for a free connection: nothing was asked yet.
    httpx.ConnectTimeout: errors.ModelServerUnavailable,
    httpx.PoolTimeout: errors.ModelServerBusy,
    # Timeouts later: the question is out and no answer came.
    httpx.ReadTimeout: errors.DeadlineExceeded,
    httpx.WriteTimeout: errors.DeadlineExceeded,
    # The connection failed or broke.
    httpx.NetworkError: errors.ModelServerUnavailable,
    httpx.ProtocolError: errors.ModelServerUnavailable,
    httpx.ProxyError: errors.ModelServerUnavailable,
    # It answered, and not in a way that can be read.
    httpx.UnsupportedProtocol: errors.ModelServerFailed,
    httpx.DecodingError: errors.AnswerMalformed,
    httpx.TooManyRedirects: errors.ModelServerFailed,
    # What httpx-aiohttp does not translate: an answer that is not HTTP, for one.
    aiohttp.ClientError: errors.ModelServerUnavailable,
}
"""What each way in which a call can fail means; subclasses follow their nearest parent in this table."""

_FAILED_CALL = (httpx.HTTPError, aiohttp.ClientError)


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What a model server said: one prediction per row, in order, and which model it says it is, if it does."""

    predictions: list[Any]
    model_name: str | None
    model_version: str | None


class MLflowClient:
    """Asks one model server. Knows nothing about houses: columns and rows in, JSON predictions out.

    One instance is opened and closed by the application's lifespan and reused for every call. It speaks to httpx's
    transport itself: redirects, cookies and what else `httpx.AsyncClient` sees to between the two is not wanted here,
    and takes 0.1 ms of each call.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, base_url: httpx.URL, *, timeout: httpx.Timeout) -> None:
        """Ask the model server at `base_url` through `transport`, which is closed together with this object."""
        self._transport = transport
        url = base_url.copy_with(username=None, password=None)
        self.address = str(url.copy_with(raw_path=b"/")).rstrip("/")
        # Address, headers and time limits are the same for each call.
        self._url = url.copy_with(path=url.path.rstrip("/") + "/invocations")
        self._headers = {
            "content-type": "application/json",
            "accept": "application/json",
            "accept-encoding": "identity",
        }
        if base_url.username:
            secret = f"{base_url.username}:{base_url.password}".encode()
            self._headers["authorization"] = f"Basic {base64.b64encode(secret).decode()}"
        self._extensions = {"timeout": timeout.as_dict()}

    async def __aenter__(self) -> Self:
        """Open the connections' pool."""
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._transport.__aexit__(kind, error, trace)

    async def invoke(self, columns: Sequence[str], rows: Sequence[bytes], *, call_id: str | None = None) -> ModelAnswer:
        """Ask for a prediction per row.

        Args:
            columns: the names of the model's columns.
            rows: each a JSON list of as many values as there are columns.
            call_id: stands in the model server's log line.

        Raises:
            ModelServerError: a leaf of it says what was wrong with the call or the answer.
            DeadlineExceeded: the question went out, and no answer came within the client's time limits.
        """
        body = b'{"dataframe_split":{"columns":%b,"data":[%b]}}' % (orjson.dumps(columns), b",".join(rows))
        headers = self._headers if call_id is None else {**self._headers, CALL_ID_HEADER: call_id}
        request = httpx.Request("POST", self._url, headers=headers, content=body, extensions=self._extensions)
        try:
            response = await self._transport.handle_async_request(request)
            try:
                if response.status_code != httpx.codes.OK:
                    error = ERROR_OF_STATUS.get(response.status_code, errors.ModelServerFailed)
                    raise error(f"the model server answered {response.status_code}")
                content = await self._read(response)
            finally:
                await response.aclose()
        except _FAILED_CALL as error:
            raise _meaning_of(error)(f"{type(error).__name__}: {error}") from error
        return ModelAnswer(
            predictions=_predictions_in(content, len(rows)),
            model_name=_name_in(response, MODEL_NAME_HEADER),
            model_version=_name_in(response, MODEL_VERSION_HEADER),
        )

    @staticmethod
    async def _read(response: httpx.Response) -> bytes:
        content = bytearray()
        try:
            async for chunk in cast("httpx.AsyncByteStream", response.stream):
                content += chunk
                if len(content) > MAX_ANSWER_BYTES:
                    raise errors.AnswerMalformed(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
        except (httpx.NetworkError, httpx.ProtocolError, aiohttp.ClientError) as error:
            # It had begun to answer, so the call may have had its effect: that is not "unreachable".
            raise errors.AnswerMalformed(f"the answer broke off: {type(error).__name__}: {error}") from error
        return bytes(content)


def _name_in(response: httpx.Response, header: str) -> str | None:
    value = response.headers.get(header)
    return value if value is not None and NAME.fullmatch(value) else None


def _meaning_of(error: Exception) -> type[errors.HousingPriceError]:
    for kind in type(error).__mro__:
        if kind in ERROR_OF_EXCEPTION:
            return ERROR_OF_EXCEPTION[kind]
    return errors.ModelServerUnavailable


def _predictions_in(content: bytes, count: int) -> list[Any]:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        # MLflow's server writes NaN where a model returned it: read on, so that only the row concerned is lost.
        try:
            document = jiter.from_json(content, allow_inf_nan=True)
        except ValueError as error:
            raise errors.AnswerMalformed(f"not JSON: {error}") from error
    predictions = document.get("predictions") if isinstance(document, dict) else None
    if not isinstance(predictions, list):
        raise errors.AnswerMalformed('no list "predictions" in the answer')
    if len(predictions) != count:
        raise errors.AnswerIncomplete(f"{len(predictions)} predictions for {count} rows")
    return predictions


def client_for(
    base_url: str,
    *,
    timeout_seconds: float,
    connect_timeout_seconds: float,
    connections: int,
    tracer: Tracer | None = None,
) -> MLflowClient:
    """Make a client for one fixed address: no proxies from the environment, no redirects followed; traced or not."""
    timeout = httpx.Timeout(timeout_seconds, connect=connect_timeout_seconds)

    def session() -> aiohttp.ClientSession:
        # A name is looked up for each new connection: where it points elsewhere, or nowhere, that counts at once.
        connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=KEEPALIVE_SECONDS, use_dns_cache=False)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)

    # httpx over aiohttp's connections, whose parser is compiled: a call costs a quarter less than over its own.
    transport: httpx.AsyncBaseTransport = AiohttpTransport(client=session)
    if tracer is not None:
        transport = TracedTransport(transport, tracer)
    return MLflowClient(transport, httpx.URL(base_url), timeout=timeout)
