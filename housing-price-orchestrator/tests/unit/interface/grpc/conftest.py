"""A client of the gRPC interface of the shipped application, whose model server is the stub."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rpc_client import RpcClient, rpc_client_of
from servers import StubModelServer

type StartRpc = Callable[..., RpcClient]


@pytest.fixture
def start_rpc(stub: StubModelServer, start_app: Callable[..., TestClient]) -> Iterator[StartRpc]:
    """Starts the application with gRPC: `start_rpc(requests={...})` gives a client of it."""
    with ExitStack() as stack:

        def start(**groups: Any) -> RpcClient:
            api = start_app(stub.url, grpc={"port": 0} | groups.pop("grpc", {}), **groups)
            return stack.enter_context(rpc_client_of(api))

        yield start


@pytest.fixture
def served(stub: StubModelServer, start_app: Callable[..., TestClient]) -> Iterator[tuple[TestClient, RpcClient]]:
    """A client over HTTP and one over gRPC of the same application."""
    api = start_app(stub.url, grpc={"port": 0})
    with rpc_client_of(api) as rpc:
        yield api, rpc


@pytest.fixture
def rpc(served: tuple[TestClient, RpcClient]) -> RpcClient:
    """A client over gRPC."""
    return served[1]
