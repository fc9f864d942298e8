"""A client for any MLflow model served at `/invocations`, by MLflow's scoring server or MLServer."""

import base64
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, cast

import aiohttp
import httpx
import jiter
import orjson
from httpx_aiohttp import AiohttpTransport
from opentelemetry.trace import Tracer

from housing_price_orchestrator.provider.tracing import TracedTransport
from housing_price_orchestrator.shared import errors

MODEL_NAME_HEADER: Final = "x-model-name"
MODEL_VERSION_HEADER: Final = "x-model-version"
CALL_ID_HEADER: Final = "x-request-id"

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/@+-]{0,127}")
"""Valid names of a model, its version and its id: the only text of a model server that reaches callers."""

_INVOCATIONS: Final = "/invocations"

KEEPALIVE_SECONDS: Final = 4.0
"""Idle connections are closed after this time, a second before uvicorn on the model server would close them."""

_UNUSED_TLS_CONTEXT: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""A context that trusts no certificate, for a parameter of the transport: connections use aiohttp's context.

Without it the transport reads the certificates of all authorities for each client, which takes 22 ms.
"""

MAX_RESPONSE_BYTES: Final = 64 * 1024 * 1024
"""Size limit of a response. 10,000 predictions of the housing price model take under 2 MiB."""

ERROR_OF_STATUS: Final[dict[int, type[errors.ModelServerError]]] = {
    400: errors.RowsRefused,
    429: errors.ModelServerBusy,
    502: errors.ModelServerUnavailable,
    503: errors.ModelServerUnavailable,
    504: errors.ModelServerUnavailable,
}
"""The error for each status of the model server; every other status except 200 is `ModelServerFailed`."""

ERROR_OF_EXCEPTION: Final[dict[type[Exception], type[errors.HousingPriceError]]] = {
    # Timeouts before the request was sent.
    httpx.ConnectTimeout: errors.ModelServerUnavailable,
    httpx.PoolTimeout: errors.ModelServerBusy,
    # Timeouts after the request was sent.
    httpx.ReadTimeout: errors.DeadlineExceeded,
    httpx.WriteTimeout: errors.DeadlineExceeded,
    # Connection failures.
    httpx.NetworkError: errors.ModelServerUnavailable,
    httpx.ProtocolError: errors.ModelServerUnavailable,
    httpx.ProxyError: errors.ModelServerUnavailable,
    # Responses that cannot be read.
    httpx.UnsupportedProtocol: errors.ModelServerFailed,
    httpx.DecodingError: errors.AnswerMalformed,
    httpx.TooManyRedirects: errors.ModelServerFailed,
    # Errors that httpx-aiohttp does not translate, for example a response that is not HTTP.
    aiohttp.ClientError: errors.ModelServerUnavailable,
}
"""The error for each exception of a call; subclasses use the entry of their nearest parent."""

_CALL_EXCEPTIONS: Final = (httpx.HTTPError, aiohttp.ClientError)


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """The answer of a model server: one prediction per row, in order, and the model's name and version if given."""

    predictions: list[Any]
    model_name: str | None
    model_version: str | None


class MLflowClient:
    """Calls one model server: columns and rows in, JSON predictions out; independent of houses.

    One instance is opened and closed by the application's lifespan and reused for every call. It uses httpx's transport
    directly: redirects, cookies and the other features of `httpx.AsyncClient` are not needed and cost 0.1 ms per call.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, base_url: httpx.URL, *, timeout: httpx.Timeout) -> None:
        """Call the model server at `base_url` through `transport`, which is closed together with this object."""
        self._transport = transport
        url = base_url.copy_with(username=None, password=None)
        self.address = str(url.copy_with(raw_path=b"/")).rstrip("/")
        # These are the same for every call.
        self._url = url.copy_with(path=url.path.rstrip("/") + _INVOCATIONS)
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
        """Open the connection pool."""
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        await self._transport.__aexit__(kind, error, trace)

    async def invoke(
        self, columns: Sequence[str], rows: Sequence[bytes], *, params: bytes = b"", call_id: str | None = None
    ) -> ModelAnswer:
        """Request one prediction per row.

        Args:
            columns: names of the model's columns.
            rows: JSON lists, each with one value per column.
            params: parameters of the model for this call, as a JSON object; empty for a model without any.
            call_id: sent as request id, which the model server writes to its log.

        Raises:
            ModelServerError: a subclass names what failed.
            DeadlineExceeded: the request was sent, but no response arrived within the client's timeout.
        """
        rest = b',"params":%b' % params if params else b""
        body = b'{"dataframe_split":{"columns":%b,"data":[%b]}%b}' % (orjson.dumps(columns), b",".join(rows), rest)
        headers = self._headers if call_id is None else {**self._headers, CALL_ID_HEADER: call_id}
        request = httpx.Request("POST", self._url, headers=headers, content=body, extensions=self._extensions)
        response, content = await self._send(request)
        return ModelAnswer(
            predictions=_predictions_in(content, len(rows)),
            model_name=_name_header(response, MODEL_NAME_HEADER),
            model_version=_name_header(response, MODEL_VERSION_HEADER),
        )

    async def get(self, path: str, *, call_id: str) -> bytes:
        """Request a document beside `/invocations`, and return its bytes. Raises what `invoke` raises."""
        url = self._url.copy_with(path=self._url.path.removesuffix(_INVOCATIONS) + path)
        headers = {name: value for name, value in self._headers.items() if name != "content-type"}
        request = httpx.Request("GET", url, headers={**headers, CALL_ID_HEADER: call_id}, extensions=self._extensions)
        return (await self._send(request))[1]

    async def _send(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        """Send a request and read its answer, which must have the status 200."""
        try:
            response = await self._transport.handle_async_request(request)
            try:
                if response.status_code != httpx.codes.OK:
                    error = ERROR_OF_STATUS.get(response.status_code, errors.ModelServerFailed)
                    raise error(f"the model server answered {response.status_code}")
                return response, await self._read(response)
            finally:
                await response.aclose()
        except _CALL_EXCEPTIONS as error:
            raise _error_class_of(error)(f"{type(error).__name__}: {error}") from error

    @staticmethod
    async def _read(response: httpx.Response) -> bytes:
        content = bytearray()
        try:
            async for chunk in cast("httpx.AsyncByteStream", response.stream):
                content += chunk
                if len(content) > MAX_RESPONSE_BYTES:
                    raise errors.AnswerMalformed(f"the response is larger than {MAX_RESPONSE_BYTES} bytes")
        except (httpx.NetworkError, httpx.ProtocolError, aiohttp.ClientError) as error:
            # The response had started, so the call may have had an effect: this is not "unreachable".
            raise errors.AnswerMalformed(f"the response ended early: {type(error).__name__}: {error}") from error
        return bytes(content)


def _name_header(response: httpx.Response, header: str) -> str | None:
    value = response.headers.get(header)
    return value if value is not None and NAME.fullmatch(value) else None


def _error_class_of(error: Exception) -> type[errors.HousingPriceError]:
    for kind in type(error).__mro__:
        if kind in ERROR_OF_EXCEPTION:
            return ERROR_OF_EXCEPTION[kind]
    return errors.ModelServerUnavailable


def _predictions_in(content: bytes, count: int) -> list[Any]:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        # MLflow's scoring server writes NaN for a model that returns NaN. Accept it, so that only that row fails.
        try:
            document = jiter.from_json(content, allow_inf_nan=True)
        except ValueError as error:
            raise errors.AnswerMalformed(f"the response is not JSON: {error}") from error
    predictions = document.get("predictions") if isinstance(document, dict) else None
    if not isinstance(predictions, list):
        raise errors.AnswerMalformed('the response has no list "predictions"')
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
    """Create a client for one fixed address, ignoring proxy variables and redirects; traced if `tracer` is set."""
    timeout = httpx.Timeout(timeout_seconds, connect=connect_timeout_seconds)

    def session() -> aiohttp.ClientSession:
        # Resolve the host name for each new connection, so that DNS changes take effect at once.
        connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=KEEPALIVE_SECONDS, use_dns_cache=False)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)

    # httpx on aiohttp's transport: its compiled parser makes a call a quarter cheaper.
    transport: httpx.AsyncBaseTransport = AiohttpTransport(client=session, verify=_UNUSED_TLS_CONTEXT)
    if tracer is not None:
        transport = TracedTransport(transport, tracer)
    return MLflowClient(transport, httpx.URL(base_url), timeout=timeout)
