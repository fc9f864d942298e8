"""The process that writes rows into the database: `RemoteRowWriter` starts it, asks, and waits for what it answers.

Over standard input and output go one question and one answer at a time, each as a line of JSON; a question may be
followed by as many bytes as it says. Nothing is asked of the database that was not asked for, and every attempt is one:
who asks decides whether to try again. The process ends with its input, and so with whoever started it, however that
ended; signals that are meant for all do not end it while it is writing.
"""

import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, BinaryIO

import msgspec
import orjson
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import DataError, IntegrityError

from housing_price_orchestrator.provider.store.database import WRITERS_CACHE_KIB, open_database, prepare, writing
from housing_price_orchestrator.provider.store.retention import delete_some_before
from housing_price_orchestrator.provider.store.rows import ANSWERS, KEPT_IN, Answered, Row, Timestamps
from housing_price_orchestrator.provider.store.writer_process.bulk_insert import RowWriter

NICE = 10
"""About a tenth of what a process gets that wants the same processor (sched(7)): enough for 10,000 rows a second."""

OBJECTS_BETWEEN_COLLECTIONS = 100_000
"""All that rows are made of goes when they are written; a collector that looks at it before finds nothing."""

_decode: Callable[[bytes], Sequence[Answered]] = msgspec.msgpack.Decoder().decode

type Question = dict[str, Any]
type Answer = dict[str, Any]


class _Writer:
    """Answers the questions about one database."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._writer: RowWriter | None = None
        self._kept = ANSWERS
        self._timestamps = Timestamps()

    def answer(self, question: Question, body: bytes) -> Answer:
        """Do what is asked; whatever goes wrong is an answer, too."""
        try:
            match question["do"]:
                case "open":
                    return self._open(question)
                case "write":
                    return self._write(body)
                case "delete":
                    return self._delete(question)
        except Exception as error:  # noqa: BLE001 - who asks decides what to do about whatever a database does
            self._close()
            # In the driver's words and not SQLAlchemy's, which hold the statement and its values.
            reason = getattr(error, "orig", None) or error
            return {"error": f"{type(error).__name__}: {reason}"[:500]}
        raise ValueError(f"nothing is known about {question['do']!r}")

    def _open(self, question: Question) -> Answer:
        self._close()
        url, wait_seconds = make_url(question["url"]), question["wait_seconds"]
        columns_version = prepare(url, question["inputs"], wait_seconds=wait_seconds)
        self._engine = writing(open_database(url, wait_seconds=wait_seconds, cache_kib=WRITERS_CACHE_KIB))
        self._kept = KEPT_IN[question["table"]]
        self._writer = RowWriter(self._engine, self._kept.table, self._kept.columns, columns_version)
        return {}

    def _write(self, body: bytes) -> Answer:
        writer = self._opened()[1]
        rows, refused = self._rows_in(body)
        stored = len(rows) + len(refused)
        try:
            writer.write(rows)
        except (DataError, IntegrityError):
            refused += self._refused(writer, rows)
        return {"stored": stored - len(refused), "refused": refused}

    def _rows_in(self, body: bytes) -> tuple[list[Row], list[list[str]]]:
        """Make rows; what no rows can be made of is refused as well, or it would be tried for ever."""
        rows: list[Row] = []
        refused: list[list[str]] = []
        for answered in _decode(body):
            try:
                rows += self._kept.rows_of(answered, self._timestamps)
            except Exception as error:  # noqa: BLE001 - a defect of one request must not cost the others
                refused += [[str(transaction_id), type(error).__name__] for transaction_id in answered[3]]
        return rows, refused

    def _refused(self, writer: RowWriter, rows: Sequence[Row]) -> list[list[str]]:
        """Write one by one what the database does not take together; tells what it does not take alone either."""
        refused = []
        for row in rows:
            try:
                writer.write([row])
            except (DataError, IntegrityError) as error:
                refused.append([str(row[0]), type(error).__name__])
        return refused

    def _delete(self, question: Question) -> Answer:
        return {"is_more": delete_some_before(self._opened()[0], datetime.fromisoformat(question["before"]))}

    def _opened(self) -> tuple[Engine, RowWriter]:
        if self._engine is None or self._writer is None:
            raise ValueError("nothing is open")
        return self._engine, self._writer

    def _close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
        self._engine = self._writer = None


def _serve(questions: BinaryIO, answers: BinaryIO) -> None:
    writer = _Writer()
    while line := questions.readline():
        question = orjson.loads(line)
        body = questions.read(question.get("bytes", 0))
        answers.write(orjson.dumps(writer.answer(question, body), option=orjson.OPT_APPEND_NEWLINE))
        answers.flush()


def main() -> None:
    """Serve until the input ends."""
    # Ctrl-C and whatever else ends a whole group of processes: the one that started this one says when it is over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Whoever waits for an answer goes first where there are not enough processors for all.
    os.nice(NICE)
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    answers = os.fdopen(os.dup(1), "wb")
    # What a library prints is no answer.
    os.dup2(2, 1)
    _serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
