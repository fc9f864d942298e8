"""Client of the writer process: inserts run outside the process that serves requests."""

import contextlib
import struct
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any, Final, NamedTuple

import orjson
from sqlalchemy.engine import URL

from housing_price_orchestrator.provider.store.writer_process import process

EXIT_TIMEOUT_SECONDS: Final = 5.0
"""Time for the process to exit after its input is closed; it finishes running commands first."""

_ARRAY_32: Final = 0xDD
"""First byte of a MessagePack list ("array 32"); the number of items follows."""

_array_header = struct.Struct(">BI").pack


class WriterUnavailable(Exception):
    """The writer process or the database failed, and nothing was written; the message says why."""


class Block:
    """The answers to several requests, concatenated: each an `AnsweredRequest` in MessagePack."""

    __slots__ = ("body", "requests")

    def __init__(self) -> None:
        """Create an empty block."""
        self.body = bytearray()
        self.requests = 0

    def add(self, answered: bytes) -> None:
        """Append the encoded answer to one request."""
        self.body += answered
        self.requests += 1


class WriteResult(NamedTuple):
    """The result of writing a block."""

    stored: int
    refused: Sequence[tuple[str, str]]
    """Transaction id and error type of each row that the database refuses permanently."""


class WriterProcessClient:
    """Starts the writer process when needed and restarts it after a crash. Use from one thread at a time.

    All methods raise `WriterUnavailable` if nothing was done. Commands can be repeated: rows that already exist stay as
    they are.
    """

    def __init__(self, url: URL, *, table: str, inputs: Sequence[str], wait_seconds: float) -> None:
        """Write to `table` of the database at `url`, waiting up to `wait_seconds` for locks; nothing is started yet.

        `inputs` names the values of an estimate's `inputs`.
        """
        self._open_command = {
            "do": "open",
            "url": url.render_as_string(hide_password=False),
            "table": table,
            "inputs": list(inputs),
            "wait_seconds": wait_seconds,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.is_open = False

    def open(self) -> None:
        """Migrate and open the database."""
        self._call(self._open_command)
        self.is_open = True

    def write(self, block: Block) -> WriteResult:
        """Write all rows of a block, or none."""
        header = _array_header(_ARRAY_32, block.requests)
        reply = self._call({"do": "write", "bytes": len(header) + len(block.body)}, header, block.body)
        refused = [(transaction_id, kind) for transaction_id, kind in reply["refused"]]
        return WriteResult(reply["stored"], refused)

    def delete_some_before(self, moment: datetime) -> bool:
        """Delete some rows older than `moment`; returns whether there may be more."""
        return bool(self._call({"do": "delete", "before": moment.isoformat()})["is_more"])

    def close(self) -> None:
        """Stop the process after it has finished the current command."""
        process, self._process = self._process, None
        self.is_open = False
        if process is None:
            return
        _close(process.stdin)
        try:
            process.wait(EXIT_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _close(process.stdout)

    def _call(self, command: dict[str, Any], *body: bytes | bytearray) -> dict[str, Any]:
        process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - both are pipes, see `_start`
        try:
            process.stdin.write(orjson.dumps(command, option=orjson.OPT_APPEND_NEWLINE))
            process.stdin.writelines(body)
            process.stdin.flush()
            line = process.stdout.readline()
            reply: dict[str, Any] = orjson.loads(line)
        except (OSError, orjson.JSONDecodeError) as error:
            # An incomplete reply: the process has died.
            self.close()
            raise WriterUnavailable(f"the writer process ended with status {process.returncode}") from error
        if "error" in reply:
            self.is_open = False
            raise WriterUnavailable(reply["error"])
        return reply

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", process.__name__]
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own program
        except OSError as error:
            raise WriterUnavailable(f"the writer process cannot be started: {error}") from error
        return self._process


def _close(pipe: IO[bytes] | None) -> None:
    # Unread input is lost with the process.
    with contextlib.suppress(OSError):
        if pipe is not None:
            pipe.close()
