"""The writer process: executes commands of `WriterProcessClient` on the database.

Standard input and output carry one command and one reply at a time, each a line of JSON; a command can be followed
by as many bytes as it states. The process never retries: the client decides. It exits when its input is closed, and
so with the process that started it. SIGINT and SIGTERM are ignored, so that a signal to the whole process group does
not interrupt a write.
"""

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, BinaryIO, Final

import msgspec
import orjson
from sqlalchemy.engine import Engine, make_url

from housing_price_orchestrator.provider.database_error import is_caused_by_value
from housing_price_orchestrator.provider.store.database import (
    WRITER_CACHE_KIB,
    for_writing,
    open_database,
    prepare_database,
    test_write,
)
from housing_price_orchestrator.provider.store.retention import delete_some_before
from housing_price_orchestrator.provider.store.rows import (
    LOG_TABLES,
    AnsweredRequest,
    LogTable,
    Row,
    TimestampFormatter,
)
from housing_price_orchestrator.provider.store.writer_process.bulk_insert import RowWriter
from housing_price_platform.database.errors import describe_database_error
from housing_price_platform.quick_exit import skip_final_garbage_collection

NICENESS: Final = 10
"""Scheduling priority: about a tenth of the CPU share of a normal process (sched(7)); enough for 10,000 rows/s."""

ANSWER_SECONDS: Final = 10.0
"""Time in which Postgres must answer a statement; then the connection counts as lost."""

GC_THRESHOLD: Final = 100_000
"""Garbage collector threshold: rows are freed by reference counting, so frequent collections find nothing."""

_decode: Callable[[bytes], Sequence[AnsweredRequest]] = msgspec.msgpack.Decoder().decode

type Command = dict[str, Any]
type Reply = dict[str, Any]


class _Writer:
    """Executes commands on one database."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._writers: Sequence[tuple[LogTable, RowWriter]] = ()
        self._timestamps = TimestampFormatter()

    def execute(self, command: Command, body: bytes) -> Reply:
        """Execute a command; a failure is returned as a reply with `error`."""
        try:
            match command["do"]:
                case "open":
                    return self._open(command)
                case "write":
                    return self._write(body)
                case "test-write":
                    return self._test_write()
                case "delete":
                    return self._delete(command)
        except Exception as error:  # noqa: BLE001 - the client decides how to handle any database error
            self.close()
            return {"error": describe_database_error(error)}
        raise ValueError(f"unknown command {command['do']!r}")

    def close(self) -> None:
        """Close the database."""
        if self._engine is not None:
            self._engine.dispose()
        self._engine, self._writers = None, ()

    def _open(self, command: Command) -> Reply:
        self.close()
        url, wait_seconds = make_url(command["url"]), command["wait_seconds"]
        columns_version = prepare_database(
            url,
            command["inputs"],
            wait_seconds=wait_seconds,
            token_caller_prefix=command["token_caller_prefix"],
        )
        self._engine = for_writing(
            open_database(url, wait_seconds=wait_seconds, answer_seconds=ANSWER_SECONDS, cache_kib=WRITER_CACHE_KIB)
        )
        self._writers = [
            (log_table, RowWriter(self._engine, log_table.table, log_table.columns, columns_version))
            for log_table in LOG_TABLES[command["table"]]
        ]
        return {}

    def _write(self, body: bytes) -> Reply:
        """Write the rows of all tables. A price whose row in any table is refused counts as refused, once."""
        self._require_open()
        requests = _decode(body)
        refused: dict[str, str] = {}
        for log_table, writer in self._writers:
            rows = self._rows_in(log_table, requests, refused)
            refused |= self._insert(writer, rows)
        prices = sum(len(answered[3]) for answered in requests)
        return {"stored": prices - len(refused), "refused": list(refused.items())}

    def _test_write(self) -> Reply:
        test_write(self._require_open())
        return {}

    def _rows_in(
        self, log_table: LogTable, requests: Sequence[AnsweredRequest], refused: dict[str, str]
    ) -> Sequence[Row]:
        """Make rows; requests that cannot become rows are refused too, or they would be retried for ever."""
        rows: list[Row] = []
        for answered in requests:
            try:
                rows += log_table.rows_of(answered, self._timestamps)
            except Exception as error:  # noqa: BLE001 - a defect of one request must not cost the others
                refused |= dict.fromkeys(map(str, answered[3]), type(error).__name__)
        return rows

    def _insert(self, writer: RowWriter, rows: Sequence[Row]) -> dict[str, str]:
        """Insert rows; halves them until the rows that the database refuses are alone, and returns those."""
        try:
            writer.write(rows)
        except Exception as error:
            if not is_caused_by_value(error):
                raise
            if len(rows) == 1:
                return {str(rows[0][0]): type(error).__name__}
            middle = len(rows) // 2
            return self._insert(writer, rows[:middle]) | self._insert(writer, rows[middle:])
        return {}

    def _delete(self, command: Command) -> Reply:
        return {"is_more": delete_some_before(self._require_open(), datetime.fromisoformat(command["before"]))}

    def _require_open(self) -> Engine:
        if self._engine is None:
            raise ValueError("the database is not open")
        return self._engine


def _serve(commands: BinaryIO, replies: BinaryIO) -> None:
    with contextlib.closing(_Writer()) as writer:
        while line := commands.readline():
            command = orjson.loads(line)
            body = commands.read(command.get("bytes", 0))
            replies.write(orjson.dumps(writer.execute(command, body), option=orjson.OPT_APPEND_NEWLINE))
            replies.flush()


def main() -> None:
    """Execute commands until standard input is closed."""
    # A service that stops waits for the end of this process, which has a low priority.
    skip_final_garbage_collection()
    # Signals to the whole process group: the parent process decides when to stop by closing the input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # The process that serves requests has priority when CPUs are scarce.
    os.nice(NICENESS)
    gc.set_threshold(GC_THRESHOLD)
    replies = os.fdopen(os.dup(1), "wb")
    # Redirect prints of libraries to standard error: standard output carries replies only.
    os.dup2(2, 1)
    _serve(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
