"""A client of the gRPC interface for tests: sends bytes or messages, and reads statuses with their details."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import grpc
from fastapi.testclient import TestClient
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from housing_price_orchestrator.composition.grpc_server import GRPC_PORT
from housing_price_orchestrator.interface.grpc.documents.words import NUMBERS_OF_KEY
from housing_price_orchestrator.interface.grpc.generated import price_pb2
from housing_price_orchestrator.shared.view.fields import house_fields

SERVICE = "housing.price.v1.PriceService"
SECONDS = 30
FIELD_OF_KEY = {one.key: one for one in house_fields()}


def house_message(document: dict[str, Any]) -> price_pb2.House:
    """Make the message of a house from its JSON; null is absence."""
    message = price_pb2.House()
    for key, value in document.items():
        if value is not None:
            words = NUMBERS_OF_KEY.get(key)
            setattr(message, FIELD_OF_KEY[key].name, value if words is None else words[value])
    return message


@dataclass(frozen=True)
class Answer:
    """The answer to a call: its message, or its status and details."""

    message: bytes = b""
    code: grpc.StatusCode = grpc.StatusCode.OK
    text: str = ""
    trailers: dict[str, str | bytes] = field(default_factory=dict)

    @property
    def details(self) -> dict[str, Any]:
        """The details of an error, by the names of their types."""
        kinds = (
            error_details_pb2.ErrorInfo,
            error_details_pb2.BadRequest,
            error_details_pb2.RetryInfo,
            error_details_pb2.RequestInfo,
        )
        encoded = self.trailers["grpc-status-details-bin"]
        assert isinstance(encoded, bytes)
        status = status_pb2.Status.FromString(encoded)
        assert (status.code, status.message) == (self.code.value[0], self.text)
        found = {}
        for detail in status.details:
            (kind,) = (kind for kind in kinds if detail.Is(kind.DESCRIPTOR))
            found[kind.DESCRIPTOR.name] = kind.FromString(detail.value)
        return found

    @property
    def violations(self) -> dict[str, str]:
        """The description of each invalid field."""
        return {one.field: one.description for one in self.details["BadRequest"].field_violations}


class RpcClient:
    """Calls the price service over one channel."""

    def __init__(self, channel: grpc.Channel) -> None:
        # The types of messages are those of the (de)serializers, which these calls do not have.
        self.channel: Any = channel

    def call(
        self,
        method: str,
        request: Message | bytes,
        *,
        metadata: Sequence[tuple[str, str | bytes]] = (),
        timeout: float = SECONDS,
        compression: grpc.Compression | None = None,
    ) -> Answer:
        """Call a method with one request; a path starts with a slash."""
        path = method if method.startswith("/") else f"/{SERVICE}/{method}"
        message = request if isinstance(request, bytes) else request.SerializeToString()
        try:
            answer, call = self.channel.unary_unary(path).with_call(
                message, metadata=tuple(metadata), timeout=timeout, compression=compression
            )
        except grpc.RpcError as error:
            ended = cast("grpc.Call", error)
            return Answer(code=ended.code(), text=ended.details() or "", trailers=_pairs(ended.trailing_metadata()))
        return Answer(answer, trailers=_pairs(call.trailing_metadata()))

    def predict(self, document: dict[str, Any], **options: Any) -> Answer:
        """Price one house, given as JSON."""
        return self.call("Predict", price_pb2.PredictRequest(house=house_message(document)), **options)

    def stream(
        self, requests: Iterable[Message | bytes], *, metadata: Sequence[tuple[str, str]] = ()
    ) -> tuple[list[price_pb2.PredictResult], Answer]:
        """Send a stream; returns all results, and the status."""
        messages = (one if isinstance(one, bytes) else one.SerializeToString() for one in requests)
        results: list[price_pb2.PredictResult] = []
        call = self.channel.stream_stream(f"/{SERVICE}/PredictStream")(
            messages, metadata=tuple(metadata), timeout=SECONDS
        )
        try:
            for message in call:
                results += price_pb2.PredictStreamResponse.FromString(message).results
        except grpc.RpcError:
            pass
        return results, Answer(code=call.code(), text=call.details() or "", trailers=_pairs(call.trailing_metadata()))


def _pairs(metadata: Iterable[tuple[str, str | bytes]] | None) -> dict[str, str | bytes]:
    return dict(metadata or ())


def priced(answer: Answer) -> price_pb2.PricedHouse:
    """Return the prediction in the answer to `Predict`."""
    assert answer.code is grpc.StatusCode.OK, answer
    return price_pb2.PredictResponse.FromString(answer.message).prediction


def is_priced(answer: Answer) -> bool:
    """Return whether the answer to `Predict` has a price."""
    return priced(answer).predicted_price > 0


@contextmanager
def rpc_client(
    address: str, credentials: grpc.ChannelCredentials | None = None, *, has_own_connection: bool = False
) -> Iterator[RpcClient]:
    """A client of the server at `address`. Clients of the same address share a connection, unless one has its own."""
    # Without a limit, so that the limits of the server are the ones that are tested; with a fixed small window, because
    # gRPC's clients otherwise receive megabytes that nobody has asked for.
    options = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", 16 * 1024),
        ("grpc.use_local_subchannel_pool", int(has_own_connection)),
    ]
    channel = (
        grpc.insecure_channel(address, options)
        if credentials is None
        else grpc.secure_channel(address, credentials, options)
    )
    with channel:
        yield RpcClient(channel)


@contextmanager
def rpc_client_of(client: TestClient) -> Iterator[RpcClient]:
    """A client of the gRPC server of a running application, which has `grpc={"port": 0}`."""
    with rpc_client(rpc_address_of(client)) as rpc:
        yield rpc


def rpc_address_of(client: TestClient) -> str:
    """The address of the gRPC server of a running application."""
    return f"127.0.0.1:{client.app_state[GRPC_PORT]}"
