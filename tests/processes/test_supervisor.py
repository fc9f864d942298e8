import asyncio
import io
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from housing_price.errors import ConfigurationError, StackError
from housing_price.processes.output import Output
from housing_price.processes.ports import reserved_port
from housing_price.processes.supervisor import BackOff, Service, Supervisor, describe_status

from ..running import PYTHONPATH_OF_FAKES

AT_ONCE = BackOff(first_seconds=0.01, max_seconds=0.05)
WAIT_SECONDS = 20

SERVER = """
import sys
from tests.fakes.fake_service import serve
serve("127.0.0.1", int(sys.argv[1]), lambda path: (200, "ok"))
"""


@dataclass
class Running:
    supervisor: Supervisor
    stream: io.StringIO

    @property
    def log(self) -> str:
        return self.stream.getvalue()

    def pids(self) -> list[int]:
        return [int(pid) for pid in re.findall(r"as process (\d+)", self.log)]

    async def wait_for(self, pattern: str, count: int = 1) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while len(re.findall(pattern, self.log)) < count:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def supervise(
    code: str,
    back_off: BackOff = AT_ONCE,
    ready_within_seconds: float = 20,
    ready_line: str | None = None,
    *,
    retries_status_2: bool = False,
) -> AsyncIterator[Running]:
    with reserved_port("127.0.0.1") as port:
        service = Service(
            name="thing",
            command=(sys.executable, "-c", code, str(port)),
            environment=os.environ | {"PYTHONPATH": PYTHONPATH_OF_FAKES, "PYTHONUNBUFFERED": "1"},
            ready_url=None if ready_line else f"http://127.0.0.1:{port}/",
            ready_line=ready_line,
            ready_within_seconds=ready_within_seconds,
            retries_status_2=retries_status_2,
        )
        stream = io.StringIO()
        async with httpx.AsyncClient(trust_env=False) as client:
            running = Running(Supervisor(service, Output(stream), client, back_off), stream)
            task = asyncio.create_task(running.supervisor.run())
            try:
                yield running
            finally:
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled()


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_readiness_is_logged_and_cancelling_ends_the_service() -> None:
    async def scene() -> None:
        async with supervise(SERVER) as running:
            await running.supervisor.wait_until_ready()
            await running.wait_for("thing: ready after")
            (pid,) = running.pids()
            assert is_alive(pid)
        assert not is_alive(pid)

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("code", "words"),
    [("", "exit status 0"), ("raise SystemExit(7)", "exit status 7"), ("import os; os.abort()", "signal SIGABRT")],
)
def test_every_kind_of_exit_is_reported_and_the_service_is_restarted(code: str, words: str) -> None:
    async def scene() -> None:
        async with supervise("print('begun')\n" + code) as running:
            await running.wait_for(r"thing +\| begun", count=3)
            await running.wait_for(f"thing: ended with {words}", count=2)

    asyncio.run(scene())


def test_a_killed_service_is_restarted() -> None:
    async def scene() -> None:
        async with supervise(SERVER) as running:
            await running.supervisor.wait_until_ready()
            (first,) = running.pids()
            os.kill(first, signal.SIGKILL)
            await running.wait_for("thing: ready after", count=2)
            assert "signal SIGKILL" in running.log
            assert len(running.pids()) == 2

    asyncio.run(scene())


def test_a_service_that_keeps_failing_to_start_is_an_error_with_its_last_output() -> None:
    async def scene() -> None:
        async with supervise("print('PORT must be a number'); raise SystemExit(2)") as running:
            with pytest.raises(StackError, match=r"(?s)the thing failed to start \d+ times.*PORT must be a number"):
                await running.supervisor.wait_until_ready()

    asyncio.run(scene())


def test_a_service_that_rejects_its_configuration_is_not_started_again() -> None:
    async def scene() -> None:
        lines = [f"VARIABLE_{number}: wrong" for number in range(9)]
        async with supervise(f"print('begun'); print({chr(10).join(lines)!r}); raise SystemExit(2)") as running:
            with pytest.raises(ConfigurationError, match="configuration is invalid") as raised:
                await running.supervisor.wait_until_ready()
            assert all(line in str(raised.value) for line in lines)
            assert running.supervisor.has_failed
            await running.wait_for("thing: its configuration is invalid")
            assert running.log.count("begun") == 1
            assert "restarting" not in running.log

    asyncio.run(scene())


def test_status_2_is_retried_where_it_has_other_causes() -> None:
    async def scene() -> None:
        async with supervise("print('the name is taken'); raise SystemExit(2)", retries_status_2=True) as running:
            with pytest.raises(StackError, match=r"(?s)the thing failed to start \d+ times.*the name is taken"):
                await running.supervisor.wait_until_ready()
            await running.wait_for("restarting", count=2)

    asyncio.run(scene())


def test_a_service_that_was_ready_is_restarted_whatever_its_status() -> None:
    async def scene() -> None:
        code = """
import os, signal, sys
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(2))
print("at work as process", os.getpid())
while True:
    signal.pause()
"""
        async with supervise(code, ready_line="at work") as running:
            await running.supervisor.wait_until_ready()
            os.kill(running.pids()[0], signal.SIGUSR1)
            await running.wait_for("thing: ended with exit status 2")
            await running.wait_for("thing: ready", count=2)

    asyncio.run(scene())


def test_a_service_that_never_becomes_ready_is_an_error() -> None:
    async def scene() -> None:
        async with supervise("import time; print('thinking'); time.sleep(600)", ready_within_seconds=1) as running:
            with pytest.raises(StackError, match=r"(?s)not ready within 1 s.*thinking"):
                await running.supervisor.wait_until_ready()

    asyncio.run(scene())


def test_a_service_that_does_not_listen_is_ready_when_it_prints_its_ready_line() -> None:
    async def scene(line: str) -> None:
        code = f"import time; print('soon'); print({line!r}); time.sleep(600)"
        async with supervise(code, ready_within_seconds=2, ready_line="at work") as running:
            await running.supervisor.wait_until_ready()

    asyncio.run(scene("worker one is at work now"))
    with pytest.raises(StackError, match=r"(?s)not ready within 2 s.*still thinking"):
        asyncio.run(scene("still thinking"))


def test_an_overlong_line_does_not_stop_the_log() -> None:
    async def scene() -> None:
        code = "import time; print('x' * 5_000_000); print('still here'); time.sleep(600)"
        async with supervise(code) as running:
            await running.wait_for(r"thing +\| still here")

    asyncio.run(scene())


def test_delays_double_up_to_the_maximum() -> None:
    back_off = BackOff(first_seconds=0.5, max_seconds=30)
    assert [back_off.seconds(exits) for exits in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert back_off.seconds(10_000) == 30


def test_cancelling_during_the_delay_before_a_restart_takes_effect_at_once() -> None:
    async def scene() -> float:
        async with supervise("", BackOff(first_seconds=600, max_seconds=600)) as running:
            await running.wait_for("restarting in 600 s")
            began = time.monotonic()
        return time.monotonic() - began

    assert asyncio.run(scene()) < 5


@pytest.mark.parametrize(
    ("status", "words"), [(0, "exit status 0"), (3, "exit status 3"), (137, "signal SIGKILL"), (255, "exit status 255")]
)
def test_an_exit_status_is_described_in_words(status: int, words: str) -> None:
    assert describe_status(status) == words
