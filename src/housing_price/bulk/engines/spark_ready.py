"""Checks that Spark can be started and finds its master, before Java starts: its own messages are many lines."""

import os
import re
import shutil
import socket
from importlib.util import find_spec
from typing import Final

from housing_price.errors import BulkError

_HOST_AND_PORT: Final = r"[^\s:,/]+:\d{1,5}"
_MASTER: Final = re.compile(
    rf"local(\[(\d+|\*)(,\s*\d+)?\])?|spark://{_HOST_AND_PORT}(,{_HOST_AND_PORT})*|yarn|k8s://\S+"
)
_STANDALONE: Final = "spark://"
_CONNECT_SECONDS: Final = 5.0


def check_ready(master: str) -> None:
    """Check that Spark can be started with a master.

    Raises:
        BulkError: The URL of the master is invalid, PySpark or Java is missing, or no master answers.
    """
    if not _MASTER.fullmatch(master):
        expected = "spark://HOST:PORT, local, local[CORES], local[*], yarn or k8s://..."
        raise BulkError(f"--master {master}: expected {expected}")
    if find_spec("pyspark") is None:
        raise BulkError("--engine spark needs PySpark, which is not installed: run `uv sync --extra spark`")
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java" if home is None else f"{home}/bin/java") is None:
        where = "no `java` is on the PATH" if home is None else f"JAVA_HOME={home} has no bin/java"
        raise BulkError(f"--engine spark needs Java 17 or 21, but {where} (Debian: openjdk-17-jre-headless)")
    if master.startswith(_STANDALONE):
        _check_reachable(master)


def _check_reachable(master: str) -> None:
    """Connect to one of the masters. Spark itself would try for a minute."""
    failures: list[Exception] = []
    for address in master.removeprefix(_STANDALONE).split(","):
        host, port = address.split(":")
        try:
            socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
        except (OSError, OverflowError) as error:
            failures.append(error)
        else:
            return
    reason = getattr(failures[-1], "strerror", None) or failures[-1]
    raise BulkError(f"--master {master}: no connection ({reason})") from failures[-1]
