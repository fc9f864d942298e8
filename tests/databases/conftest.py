"""A proxy in front of Postgres that can go silent."""

from collections.abc import Iterator

import pytest
from benchmarks.faults.databases.silent_proxy import SilentProxy

from postgres import Postgres
from servers import StubModelServer


@pytest.fixture
def proxy(postgres: Postgres) -> Iterator[SilentProxy]:
    with SilentProxy(postgres.socket) as running:
        yield running


@pytest.fixture
def proxied_url(postgres: Postgres, proxy: SilentProxy) -> str:
    """The address of an empty database behind the proxy."""
    return postgres.address_behind(proxy.port, postgres.new_database())


@pytest.fixture
def stub() -> Iterator[StubModelServer]:
    with StubModelServer() as server:
        yield server
