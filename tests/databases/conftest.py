"""A Postgres of our own, and a proxy in front of it that can go silent."""

from collections.abc import Iterator

import pytest
from benchmarks.faults.databases.postgres import Postgres, find_programs, running_postgres
from benchmarks.faults.databases.silent_proxy import SilentProxy

from servers import StubModelServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server of this session only: some tests freeze it."""
    programs = find_programs()
    if programs is None:
        pytest.skip("Postgres was not found (Debian: postgresql)")
    with running_postgres(programs) as server:
        yield server


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
