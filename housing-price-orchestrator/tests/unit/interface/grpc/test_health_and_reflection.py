"""The standard services: health follows readiness, reflection shows the contract."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from fastapi.testclient import TestClient
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from factories import services_of
from housing_price_orchestrator.interface.grpc.generated import price_pb2
from rpc_client import SERVICE, RpcClient
from servers import StubModelServer
from waiting import wait_until

type Served = tuple[TestClient, RpcClient]

REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def health(rpc: RpcClient, service: str = "") -> int:
    answer = rpc.call("/grpc.health.v1.Health/Check", health_pb2.HealthCheckRequest(service=service))
    assert answer.code is grpc.StatusCode.OK
    return health_pb2.HealthCheckResponse.FromString(answer.message).status


def reflected(rpc: RpcClient, request: bytes) -> Any:
    (answer,) = rpc.channel.stream_stream(REFLECTION)(iter([request]), timeout=30)
    return reflection_pb2.ServerReflectionResponse.FromString(answer)


@pytest.mark.parametrize("service", ["", SERVICE])
def test_health_follows_readiness(served: Served, service: str) -> None:
    api, rpc = served
    wait_until(lambda: api.get("/readyz").status_code == 200, "the service is not ready")
    assert health(rpc, service) == SERVING
    services_of(api).readiness.stop()
    assert api.get("/readyz").status_code == 503
    assert health(rpc, service) == NOT_SERVING


def test_a_watcher_is_told_of_the_end_and_released(served: Served) -> None:
    api, rpc = served
    wait_until(lambda: api.get("/readyz").status_code == 200, "the service is not ready")
    watch = rpc.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=30)
    assert health_pb2.HealthCheckResponse.FromString(next(watch)).status == SERVING
    services_of(api).readiness.stop()
    assert [health_pb2.HealthCheckResponse.FromString(one).status for one in watch] == [NOT_SERVING]


def test_an_unknown_service_has_no_health(rpc: RpcClient) -> None:
    answer = rpc.call("/grpc.health.v1.Health/Check", health_pb2.HealthCheckRequest(service="other"))
    assert answer.code is grpc.StatusCode.NOT_FOUND


def test_reflection_lists_the_services_and_their_contract(rpc: RpcClient) -> None:
    listed = reflected(rpc, reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString())
    names = {service.name for service in listed.list_services_response.service}
    assert names == {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
    found = reflected(
        rpc, reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE).SerializeToString()
    ).file_descriptor_response
    contract = FileDescriptorProto()
    price_pb2.DESCRIPTOR.CopyToProto(contract)
    assert [FileDescriptorProto.FromString(one) for one in found.file_descriptor_proto] == [contract]


def test_bytes_that_are_no_reflection_request_are_refused(rpc: RpcClient) -> None:
    call = rpc.channel.stream_stream(REFLECTION)(iter([b"\xff\xff"]), timeout=30)
    with pytest.raises(grpc.RpcError):
        next(call)
    assert call.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_reflection_is_off_with_the_documentation(start_rpc: Callable[..., RpcClient], stub: StubModelServer) -> None:
    assert start_rpc(docs={"enabled": False}).call(REFLECTION, b"").code is grpc.StatusCode.UNIMPLEMENTED
    assert stub.url
