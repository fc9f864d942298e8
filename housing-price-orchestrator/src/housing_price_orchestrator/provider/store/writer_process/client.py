"""Asks a process of its own to write rows, so that writing them takes nothing from whoever answers requests."""

import contextlib
import struct
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any, NamedTuple

import orjson
from sqlalchemy.engine import URL

from housing_price_orchestrator.provider.store.writer_process import process

END_SECONDS = 5.0
"""How long the process may take to end when its input has ended; it answers whatever it was asked before."""

_LIST = 0xDD
"""How a list begins in MessagePack ("array 32" in its specification), before the number of what is in it."""

_list_head = struct.Struct(">BI").pack


class StoreAway(Exception):
    """Nothing was written; says why."""


class Block:
    """What requests were answered, one after the other: each an `Answered`, in MessagePack."""

    __slots__ = ("body", "requests")

    def __init__(self) -> None:
        """Begin with none."""
        self.body = bytearray()
        self.requests = 0

    def add(self, answered: bytes) -> None:
        """Add what one more request was answered."""
        self.body += answered
        self.requests += 1


class Written(NamedTuple):
    """What became of rows."""

    stored: int
    refused: Sequence[tuple[str, str]]
    """The transaction's id and the kind of error of each row that the database does not take, whenever it is asked."""


class RemoteRowWriter:
    """Starts the process when it is needed, and again when it has died. For one thread at a time.

    Everything raises `StoreAway` where nothing was done; what was begun and not answered may be asked for again: a row
    that is there already stays as it is.
    """

    def __init__(self, url: URL, *, table: str, inputs: Sequence[str], wait_seconds: float) -> None:
        """Write into `table` of the database at `url`, which waits so long for locks; nothing is started yet.

        `inputs` is what the values of an estimate's `inputs` are called.
        """
        self._opening = {
            "do": "open",
            "url": url.render_as_string(hide_password=False),
            "table": table,
            "inputs": list(inputs),
            "wait_seconds": wait_seconds,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.is_open = False

    def open(self) -> None:
        """Bring the database up to date and have it ready."""
        self._ask(self._opening)
        self.is_open = True

    def write(self, block: Block) -> Written:
        """Write what was answered, or nothing of it."""
        head = _list_head(_LIST, block.requests)
        answer = self._ask({"do": "write", "bytes": len(head) + len(block.body)}, head, block.body)
        refused = [(transaction_id, kind) for transaction_id, kind in answer["refused"]]
        return Written(answer["stored"], refused)

    def delete_some_before(self, moment: datetime) -> bool:
        """Delete some of the rows that are older; tells whether there may be more."""
        return bool(self._ask({"do": "delete", "before": moment.isoformat()})["is_more"])

    def close(self) -> None:
        """End the process, once it has done what it was asked for."""
        process, self._process = self._process, None
        self.is_open = False
        if process is None:
            return
        _close(process.stdin)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _close(process.stdout)

    def _ask(self, question: dict[str, Any], *body: bytes | bytearray) -> dict[str, Any]:
        process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - both are pipes, see `_start`
        try:
            process.stdin.write(orjson.dumps(question, option=orjson.OPT_APPEND_NEWLINE))
            process.stdin.writelines(body)
            process.stdin.flush()
            line = process.stdout.readline()
            answer: dict[str, Any] = orjson.loads(line)
        except (OSError, orjson.JSONDecodeError) as error:
            # Half a line, or none: it has died.
            self.close()
            raise StoreAway(f"the writer ended with status {process.returncode}") from error
        if "error" in answer:
            self.is_open = False
            raise StoreAway(answer["error"])
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", process.__name__]
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - ours
        except OSError as error:
            raise StoreAway(f"the writer cannot be started: {error}") from error
        return self._process


def _close(pipe: IO[bytes] | None) -> None:
    # What it did not take any more is lost with it.
    with contextlib.suppress(OSError):
        if pipe is not None:
            pipe.close()
