"""Around every call: request id, record, access, log line, metrics, and the status of errors."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import grpc
import structlog
from fastapi.exceptions import RequestValidationError
from google.rpc.status_pb2 import Status
from grpc import aio
from opentelemetry.trace import Tracer
from starlette.requests import ClientDisconnect

from housing_price_orchestrator.interface.error_responses import headers_of, record_error
from housing_price_orchestrator.interface.grpc.call import Call, Context, Handler, Headers
from housing_price_orchestrator.interface.grpc.limits import RpcLimits
from housing_price_orchestrator.interface.grpc.peer import PeerAddresses
from housing_price_orchestrator.interface.grpc.rich_errors import DETAILS_KEY, rich_status
from housing_price_orchestrator.interface.grpc.statuses import status_of
from housing_price_orchestrator.interface.problems import problem_type_of
from housing_price_orchestrator.interface.request_id import REQUEST_ID_HEADER, choose_request_id
from housing_price_orchestrator.interface.server_timing import SERVER_TIMING, server_timing
from housing_price_orchestrator.interface.services import Services
from housing_price_orchestrator.observability.record import RequestRecord, current_request
from housing_price_orchestrator.observability.request_log import log_fields
from housing_price_orchestrator.observability.requests import GRPC_METHOD
from housing_price_orchestrator.observability.tracing import end_rpc_span, record_span, rpc_span
from housing_price_orchestrator.shared.errors import HousingPriceError, InvalidDocument

type Metadata = tuple[tuple[str, str | bytes], ...]
type Operation = Callable[[Call], Awaitable[bytes]]
type StreamOperation = Callable[[Call], Awaitable[None]]

_OK: Final = 200
_SERVER_ERROR: Final = 500
_CLIENT_CLOSED_REQUEST: Final = 499

_REQUEST_ID: Final = REQUEST_ID_HEADER.decode()
_SERVER_TIMING: Final = SERVER_TIMING.decode()


class CallHandling:
    """Makes handlers of operations. The handlers get and return bytes, because gRPC's own parsing ends in UNKNOWN."""

    def __init__(
        self, services: Services, limits: RpcLimits, addresses: PeerAddresses, tracer: Tracer | None = None
    ) -> None:
        """Handle calls with these services, within these limits; `tracer` is None if tracing is off."""
        self._services = services
        self._limits = limits
        self._addresses = addresses
        self._tracer = tracer
        self._log: Any = structlog.get_logger().bind()

    def unary(self, route: str, operation: Operation) -> Handler:
        """Make the handler of an operation with one request and one response.

        The handler reads the request itself, so that the time to receive it is limited; on the wire it is the same.
        """

        async def handle(_requests: object, context: Context) -> bytes:
            return await self._handle(route, operation, context)

        return grpc.stream_unary_rpc_method_handler(handle)

    def stream(self, route: str, operation: StreamOperation) -> Handler:
        """Make the handler of an operation that reads and writes any number of messages."""

        async def run(call: Call, context: Context) -> None:
            # At once, because the first results may need houses that the client has not sent yet.
            await context.send_initial_metadata(((_REQUEST_ID, call.record.request_id),))
            await operation(call)

        async def handle(_requests: object, context: Context) -> None:
            await self._handle(route, lambda call: run(call, context), context)

        return grpc.stream_stream_rpc_method_handler(handle)

    async def _handle[Answer](
        self, route: str, operation: Callable[[Call], Awaitable[Answer]], context: Context
    ) -> Answer:
        headers = _headers_of(context)
        record = RequestRecord(choose_request_id(headers), route=route)
        current_request.set(record)
        call = Call(self._services, self._limits, context, headers, record)
        with rpc_span(self._tracer, route, headers) as span:
            if span is not None:
                record_span(record)
            return await self._run(call, operation, context, self._addresses.address_of(context.peer(), headers))

    async def _run[Answer](
        self, call: Call, operation: Callable[[Call], Awaitable[Answer]], context: Context, address: str
    ) -> Answer:
        started_at = time.perf_counter()
        record = call.record
        metrics = self._services.request_metrics
        if metrics is not None:
            metrics.count_start()
        status, code = _CLIENT_CLOSED_REQUEST, grpc.StatusCode.CANCELLED
        failure: dict[str, Any] = {}
        try:
            await call.admit(address)
            answer = await operation(call)
            status, code = _OK, grpc.StatusCode.OK
            context.set_trailing_metadata(_trailing_metadata(call, started_at))
        except ClientDisconnect:
            # Without a status, gRPC resets the stream.
            raise asyncio.CancelledError from None
        except Exception as error:
            expected = _expected(error)
            failure = self._failure_of(expected, record)
            status, code = problem_type_of(expected).status, status_of(expected)
            rich = rich_status(expected, record.request_id)
            call.response_headers |= _headers_of_error(expected)
            if call.is_unread:
                raise asyncio.CancelledError from error
            await _abort(context, code, rich.message, _trailing_metadata(call, started_at, rich))
            raise AssertionError("abort raises") from error
        else:
            return answer
        finally:
            seconds = time.perf_counter() - started_at
            if metrics is not None:
                metrics.count_end(record, GRPC_METHOD, status, seconds)
            end_rpc_span(record.span, record, code.value[0], is_server_error=status >= _SERVER_ERROR)
            self._write(record, status, code, seconds, failure)

    def _failure_of(self, error: Exception, record: RequestRecord) -> dict[str, Any]:
        """Record an error; returns what the log says about it."""
        if not isinstance(error, HousingPriceError):
            return {"exc_info": error}
        record_error(error, record, self._services.request_metrics)
        # Coalesced requests share one error object, whose traceback would grow with each of them.
        error.__traceback__ = None
        return {"error": f"{type(error).__name__}: {error}"}

    def _write(
        self, record: RequestRecord, status: int, code: grpc.StatusCode, seconds: float, failure: Mapping[str, Any]
    ) -> None:
        level = logging.ERROR if status >= _SERVER_ERROR else logging.INFO
        if not self._log.is_enabled_for(level):
            return
        fields = {
            "request_id": record.request_id,
            "method": GRPC_METHOD,
            "path": record.route,
            "status": status,
            "grpc_status": code.name,
            "seconds": round(seconds, 6),
            **log_fields(record),
            **failure,
        }
        if "exc_info" not in failure and hasattr(self._log, "write_event"):
            self._log.write_event(level, "request", fields)
        else:
            self._log.log(level, "request", **fields)


def _headers_of(context: Context) -> Headers:
    """Return the metadata in the form of HTTP headers: lower-case names and values in bytes."""
    return [(_in_bytes(key), _in_bytes(value)) for key, value in context.invocation_metadata() or ()]


async def _abort(context: Context, code: grpc.StatusCode, text: str, metadata: Metadata) -> None:
    """End the call with a status, unless its client is gone."""
    try:
        await context.abort(code, text, metadata)
    except aio.AbortError:
        raise
    except aio.BaseError:
        raise asyncio.CancelledError from None


def _in_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1", "replace")


def _expected(error: Exception) -> Exception:
    """Return invalid metadata as the error that invalid fields have; other errors as they are."""
    return InvalidDocument(error.errors()) if isinstance(error, RequestValidationError) else error


def _headers_of_error(error: Exception) -> dict[str, str]:
    headers = headers_of(error)
    seconds = problem_type_of(error).retry_after_seconds
    return headers if seconds is None else {"retry-after": str(seconds), **headers}


def _trailing_metadata(call: Call, started_at: float, rich: Status | None = None) -> Metadata:
    pairs: list[tuple[str, str | bytes]] = [(_REQUEST_ID, call.record.request_id), *call.response_headers.items()]
    if not call.record.is_stream:
        timing = server_timing(call.record, time.perf_counter() - started_at)
        pairs.append((_SERVER_TIMING, timing.decode()))
    if rich is not None:
        pairs.append((DETAILS_KEY, rich.SerializeToString()))
    return tuple(pairs)
