"""The published state of the model servers, while the disk is full."""

import asyncio
import io
from collections.abc import Callable
from typing import cast

import pytest

from housing_price.errors import StackError
from housing_price.processes.output import Output
from housing_price.processes.ports import Address
from housing_price.processes.supervisor import Service, Supervisor
from housing_price.stack import model_servers
from housing_price.stack.model_servers import ModelServers
from housing_price.stack.plan import ModelServerKind, Served
from housing_price.stack.state import State
from housing_price_model.lifecycle.documents import Roles, Server
from housing_price_platform.orders.moves import ServedModel
from small_disk import SmallDisk

pytestmark = pytest.mark.anyio


class FakeSupervisor:
    """A model server that is ready when the test says so."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.is_ready = self.has_failed = False

    async def run(self) -> None:
        await asyncio.Event().wait()


class Bench:
    """Model servers whose documents are on a small disk."""

    def __init__(self, disk: SmallDisk) -> None:
        self.disk = disk
        self.stream = io.StringIO()
        self.started: list[FakeSupervisor] = []
        self.serving = State(disk.folder).serving
        self.serving.prepare()
        address = Address("127.0.0.1", 1, "x", "--x")
        served = Served(ServedModel.PRICE, self.serving, address, ModelServerKind.MLFLOW)
        self.servers = ModelServers(served, Output(self.stream), self.supervise)

    def supervise(self, service: Service) -> Supervisor:
        self.started.append(FakeSupervisor(service))
        return cast("Supervisor", self.started[-1])

    def want(self, version: str) -> None:
        server = Server(version=version, model_id="m", digest=f"sha256:{'0' * 64}", folder=f"versions/{version}")
        self.serving.write_desired((server,), Roles(champion=version))

    def state_of(self, version: str) -> str | None:
        seen = self.serving.observed().server(version)
        return None if seen is None else seen.state


async def wait_until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():
            await asyncio.sleep(0.01)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_state_that_could_not_be_written_is_published_when_there_is_space_again(small_disk: SmallDisk) -> None:
    bench = Bench(small_disk)
    bench.want("1")
    running = asyncio.create_task(bench.servers.run())
    try:
        await bench.servers.wait_until_seen("1")
        assert bench.state_of("1") == "starting"
        small_disk.fill()
        bench.started[0].is_ready = True
        await wait_until(lambda: "cannot publish the state of the model servers" in bench.stream.getvalue())
        assert bench.state_of("1") == "starting"
        small_disk.free()
        await wait_until(lambda: bench.state_of("1") == "ready")
        await wait_until(lambda: "is published again" in bench.stream.getvalue())
    finally:
        running.cancel()
        await asyncio.wait([running])
    # The error is told once, not at each poll, and nothing is left of the failed writes.
    assert bench.stream.getvalue().count("cannot publish") == 1
    assert small_disk.names() == ["desired.json", "observed.json"]


async def test_a_state_that_stays_unpublished_is_an_error_in_time(
    small_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_servers, "PUBLISH_SECONDS", 0.5)
    bench = Bench(small_disk)
    bench.want("1")
    small_disk.fill()
    running = asyncio.create_task(bench.servers.run())
    try:
        with pytest.raises(StackError, match=r"not published within 0\.5 s"):
            await bench.servers.wait_until_seen("1")
    finally:
        running.cancel()
        await asyncio.wait([running])
