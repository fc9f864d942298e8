"""Bytes that are not the expected message end in INVALID_ARGUMENT, also in the services of other packages."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from grpc import aio

type _Handler = grpc.RpcMethodHandler[Any, Any]
"""An alias, because the class is generic in its stub only."""


class _Unreadable:
    """Stands for a message that could not be parsed."""


_UNREADABLE: Final = _Unreadable()


class StrictParsing(aio.ServerInterceptor):
    """Parses the requests of health and reflection; gRPC's own parsing would end malformed ones in UNKNOWN."""

    def __init__(self, *, exempt: str) -> None:
        """Leave the service `exempt` as it is: it parses its messages itself."""
        self._exempt = f"/{exempt}/"

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Return the handler of a call."""
        handler = await continuation(handler_call_details)
        # None for a method that does not exist.
        if handler is None or handler_call_details.method.startswith(self._exempt):
            return handler
        return _strict(handler)


def _strict(handler: Any) -> Any:
    options = {
        "request_deserializer": _tolerant(handler.request_deserializer),
        "response_serializer": handler.response_serializer,
    }
    if handler.unary_unary is not None:

        async def unary(request: Any, context: Any) -> Any:
            return await handler.unary_unary(await _checked(request, context), context)

        return grpc.unary_unary_rpc_method_handler(unary, **options)
    if handler.unary_stream is not None:

        async def response_stream(request: Any, context: Any) -> Any:
            return await handler.unary_stream(await _checked(request, context), context)

        return grpc.unary_stream_rpc_method_handler(response_stream, **options)

    async def both_streams(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for response in handler.stream_stream(_all_checked(requests, context), context):
            yield response

    return grpc.stream_stream_rpc_method_handler(both_streams, **options)


def _tolerant(parse: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def tolerant(message: bytes) -> Any:
        try:
            return parse(message)
        except DecodeError:
            return _UNREADABLE

    return tolerant


async def _checked(request: Any, context: Any) -> Any:
    if request is _UNREADABLE:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the message is truncated, or not protobuf")
    return request


async def _all_checked(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
    async for request in requests:
        yield await _checked(request, context)
