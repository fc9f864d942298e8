"""A standalone Spark cluster on loopback, from the classes in the PySpark package."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from servers import Process

WORKERS = 2
MEGABYTES = 1_500
"""Memory that a worker may give its executors."""
QUICK_START = {"SPARK_LOCAL_IP": "127.0.0.1", "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
"""Variables of every Java process of the tests. With the simple compiler alone, each starts in half the time."""


class Cluster:
    """A master and its workers."""

    def __init__(self, url: str, workers: list[Process]) -> None:
        self.url = url
        self.workers = workers

    def kill(self, worker: Process) -> None:
        """Kill a worker with all its executors and their Python processes, as if its machine was lost."""
        for pid in [worker._process.pid, *descendants(worker._process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def skip_without_spark() -> None:
    """Skip the test where Spark cannot run."""
    if find_spec("pyspark") is None:
        pytest.skip("PySpark is not installed (uv sync --extra spark)")
    if shutil.which("java") is None:
        pytest.skip("Java was not found (Debian: openjdk-17-jre-headless)")


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Run a master and two workers with one core each; their files are in a folder."""
    found = find_spec("pyspark")
    assert found is not None
    assert found.origin is not None
    home = Path(found.origin).parent
    variables = {
        "SPARK_HOME": str(home),
        **QUICK_START,
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "PYSPARK_PYTHON": sys.executable,
    }

    def start(stack: ExitStack, name: str, *arguments: str) -> Process:
        spark_class = str(home / "bin" / "spark-class")
        options = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
        command = (spark_class, f"org.apache.spark.deploy.{name}", *options, *arguments)
        return stack.enter_context(Process(*command, **variables))

    with ExitStack() as stack:
        master = start(stack, "master.Master")
        url = master.says(r"Starting Spark master at (spark://\S+)")[1]
        workers = []
        for number in range(WORKERS):
            options = ("--cores", "1", "--memory", f"{MEGABYTES}m", "--work-dir", str(folder / f"work-{number}"))
            worker = start(stack, "worker.Worker", *options, url)
            worker.says("Successfully registered with master")
            workers.append(worker)
        yield Cluster(url, workers)


def descendants(process: int) -> list[int]:
    """Return all processes below a process, parents first."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(folder.name))
    found = []
    waiting = [process]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found
