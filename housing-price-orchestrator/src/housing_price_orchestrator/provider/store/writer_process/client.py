"""Client of the writer process: inserts run outside the process that serves requests."""

import struct
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy.engine import URL

from housing_price_orchestrator.provider.store.writer_process import process
from housing_price_orchestrator.provider.store.writer_process.child_process import ChildProcess, ProcessEnded

OPEN_SECONDS: Final = 300.0
"""Time to open the database; migrations may take a minute per statement. A process that takes longer is killed."""

COMMAND_SECONDS: Final = 60.0
"""Time of any other command. The process has shorter limits for the database, so it takes longer only if it hangs."""

SILENCE_SECONDS: Final = 5.0
"""Time without an answer after which the log counts as unavailable."""

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

    def __init__(
        self,
        url: URL,
        *,
        table: str,
        inputs: Sequence[str],
        wait_seconds: float,
        token_caller_prefix: str | None = None,
        on_silence: Callable[[], object] = lambda: None,
    ) -> None:
        """Write to `table` of the database at `url`, waiting up to `wait_seconds` for locks; nothing is started yet.

        `inputs` names the values of an estimate's `inputs`. `on_silence` is called while a command has had no answer
        for `SILENCE_SECONDS`. For `token_caller_prefix` see `upgrade`.
        """
        self._open_command = {
            "do": "open",
            "url": url.render_as_string(hide_password=False),
            "table": table,
            "inputs": list(inputs),
            "wait_seconds": wait_seconds,
            "token_caller_prefix": token_caller_prefix,
        }
        self._on_silence = on_silence
        self._process: ChildProcess | None = None
        self.is_open = False

    def open(self) -> None:
        """Migrate and open the database."""
        self._call(self._open_command, seconds=OPEN_SECONDS)
        self.is_open = True

    def test_write(self) -> None:
        """Write to the database without changing it, to find out whether it can be written."""
        self._call({"do": "test-write"})

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
        process = self._process
        self.is_open = False
        if process is not None:
            # Still known to `kill` meanwhile: this waits until the process has ended.
            process.close()
            process.close_pipes()
        self._process = None

    def kill(self) -> None:
        """Kill the process; may be called from another thread, whose command then fails."""
        process = self._process
        if process is not None:
            process.kill()

    def _call(
        self, command: dict[str, Any], *body: bytes | bytearray, seconds: float = COMMAND_SECONDS
    ) -> dict[str, Any]:
        process = self._process or self._start()
        parts = [orjson.dumps(command, option=orjson.OPT_APPEND_NEWLINE), *body]
        try:
            line = process.ask(parts, seconds=seconds, silence_seconds=SILENCE_SECONDS, on_silence=self._on_silence)
            reply: dict[str, Any] = orjson.loads(line)
        except (ProcessEnded, orjson.JSONDecodeError) as error:
            self.close()
            raise WriterUnavailable(str(error)) from error
        if "error" in reply:
            self.is_open = False
            raise WriterUnavailable(reply["error"])
        return reply

    def _start(self) -> ChildProcess:
        try:
            self._process = ChildProcess([sys.executable, "-m", process.__name__])
        except OSError as error:
            raise WriterUnavailable(f"the writer process cannot be started: {error}") from error
        return self._process
