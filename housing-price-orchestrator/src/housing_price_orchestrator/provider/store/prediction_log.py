"""Logs answered prices without slowing down requests: a bounded queue, a thread, and a writer process.

A request only appends its encoded answer to a bounded queue: less than 1 us for one house and 0.4 ms for a thousand,
and no object stays. (Keeping thousands of small objects would cost a request 6 us, by spreading its memory.) A thread
hands the queued bytes to the writer process (`writer_process/`), which makes rows and inserts them. The thread decodes
nothing, because work in it would compete with requests for the interpreter lock.

While the database is unavailable, locked, full or silent, the thread keeps retrying. The log reports itself as
unavailable after a failed write, or if rows wait for `SILENCE_SECONDS` without a confirmed write; it reports itself as
available again only after a successful write. Rows that do not fit into the queue are
dropped and counted: recorded = stored + dropped + queued, exactly. A killed process loses its queue: the last
`FLUSH_SECONDS`, or everything since the database became unavailable.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import structlog
from sqlalchemy.engine import URL

from housing_price_orchestrator.observability.record import current_request
from housing_price_orchestrator.provider.store.rows import PREDICTION_LOG, AnsweredRequest, LogTable, utc
from housing_price_orchestrator.provider.store.writer_process.client import (
    SILENCE_SECONDS,
    Block,
    WriterProcessClient,
    WriterUnavailable,
)
from housing_price_orchestrator.shared.ports import PriceEstimate, ValuationRecord
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_survey.columns import COLUMNS

FLUSH_SECONDS: Final = 0.5
"""Interval between writes. A killed process loses at most the prices of one interval if the database is up.

Rows of one transaction share index pages (`SEGMENT_ROWS`), so larger transactions write fewer pages.
"""

BLOCK_BYTES: Final = 12 * 1024 * 1024
"""Queued bytes written per transaction, plus the rest of the last request: about 20,000 rows, for which other writers
wait a fifth of a second."""

WAIT_SECONDS: Final = 1.0
"""Timeout for locks and connections; then the thread retries."""

STABLE_SECONDS: Final = 5.0
"""Time without a failure before a log that failed again soon after its recovery reports itself as available.

On a disk that is nearly full, some writes succeed between others that fail."""

RELAPSE_SECONDS: Final = 60.0
"""Time after a recovery in which another failure belongs to the same fault."""

RETENTION_PAUSE_SECONDS: Final = 60.0
"""Pause of retention after no old rows were found, or none could be deleted."""


_encode: Callable[[AnsweredRequest], bytes] = msgspec.msgpack.Encoder().encode


class SqlPredictionLog:
    """A `PredictionLog` in a SQL database, of answered prices or of the shadow model's prices."""

    def __init__(
        self,
        url: URL,
        *,
        log_table: LogTable = PREDICTION_LOG,
        max_queued_rows: int,
        retention_seconds: float | None = None,
        is_sampled: Callable[[], bool] | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        flush_seconds: float = FLUSH_SECONDS,
        token_caller_prefix: str | None = None,
    ) -> None:
        """Log to the database at `url`, which is opened by `start` and need not be available yet.

        Args:
            url: URL of the database; see `open_database`.
            log_table: the table to write, and how to make its rows.
            max_queued_rows: maximum number of waiting rows; a row takes about 1 kB of memory.
            retention_seconds: age at which rows are deleted, in small batches; None to keep all.
            is_sampled: called for each row; returns whether to log it. None logs all.
            clock: returns Unix time in seconds, from which the age of rows follows.
            monotonic: returns seconds for durations: a clock that was set wrong must not stop the retention.
            flush_seconds: interval between writes.
            token_caller_prefix: see `upgrade`.
        """
        self._log_table = log_table
        self._max_queued_rows = max_queued_rows
        self._retention_seconds = retention_seconds
        self._is_sampled = is_sampled
        self._clock = clock
        self._monotonic = monotonic
        self._flush_seconds = flush_seconds
        self._log = structlog.get_logger()
        # Requests append to the last block; the lock is held only while they do.
        self._blocks = deque([Block()])
        self._lock = threading.Lock()
        # Each counter is changed by one thread: the first two by `record`, the others by the log's own thread.
        self._recorded = 0
        self._dropped_on_record = 0
        self._stored = 0
        self._dropped_on_write = 0
        self._has_failed = False
        self._failed_at = self._recovered_at = float("-inf")
        # A failure soon after a recovery: the next recovery must last.
        self._has_relapsed = False
        # When a write was confirmed last, or nothing was left to write.
        self._confirmed_at = time.monotonic()
        self._writer = WriterProcessClient(
            url,
            table=log_table.table.name,
            inputs=COLUMNS,
            wait_seconds=WAIT_SECONDS,
            on_silence=self._note_silence,
            token_caller_prefix=token_caller_prefix,
        )
        self._current_block: Block | None = None
        self._next_retention_at = -math.inf
        self._stop = threading.Event()
        self._close_deadline = float("inf")
        self._thread = threading.Thread(target=self._run, name=log_table.name, daemon=True)

    @property
    def stored_rows(self) -> int:
        """Rows written to the database."""
        return self._stored

    @property
    def dropped_rows(self) -> int:
        """Rows lost."""
        return self._dropped_on_record + self._dropped_on_write

    @property
    def queued_rows(self) -> int:
        """Rows waiting in the queue."""
        return self._recorded - self._stored - self.dropped_rows

    @property
    def is_unavailable(self) -> bool:
        """Whether writing to the database failed and has not succeeded since, or is overdue."""
        return self._has_failed or self._is_overdue

    @property
    def _is_overdue(self) -> bool:
        return self.queued_rows > 0 and time.monotonic() - self._confirmed_at > SILENCE_SECONDS

    def record(
        self,
        transaction_ids: Sequence[str],
        houses: Sequence[AnyHouse],
        estimates: Sequence[PriceEstimate],
        valuations: Sequence[ValuationRecord] = (),
        /,
    ) -> None:
        """See `PredictionLog.record`."""
        if self._is_sampled is not None:
            sampled = [index for index in range(len(houses)) if self._is_sampled()]
            transaction_ids = [transaction_ids[index] for index in sampled]
            houses = [houses[index] for index in sampled]
            estimates = [estimates[index] for index in sampled]
            valuations = [valuations[index] for index in sampled] if valuations else ()
        rows = len(houses)
        self._recorded += rows
        if self._recorded - self._stored - self._dropped_on_record - self._dropped_on_write > self._max_queued_rows:
            self._dropped_on_record += rows
            return
        request = current_request.get()
        request_id, key_id = ("", None) if request is None else (request.request_id, request.key_id)
        try:
            house_ids = [house.id for house in houses]
            encoded = _encode((self._clock(), request_id, key_id, transaction_ids, house_ids, estimates, valuations))
        except Exception as error:  # noqa: BLE001 - a logging failure must not fail the request
            self._dropped_on_record += rows
            self._log.error(
                f"{self._log_table.name}: answer cannot be encoded", request_id=request_id, rows=rows, exc_info=error
            )
            return
        with self._lock:
            block = self._blocks[-1]
            block.add(encoded)
            if len(block.body) >= BLOCK_BYTES:
                self._blocks.append(Block())

    def start(self) -> None:
        """Start the writing thread, which also opens the database and migrates its tables."""
        self._thread.start()

    def close(self, *, within_seconds: float) -> None:
        """Write the queued rows and stop; rows not written in time are dropped and counted.

        Further calls do nothing.
        """
        if self._stop.is_set():
            return
        self._close_deadline = time.monotonic() + within_seconds
        self._stop.set()
        self._thread.join(within_seconds)
        if self._thread.is_alive():
            # Its command takes too long, or the process does not run (SIGSTOP) and could be left behind.
            self._writer.kill()
            self._thread.join(2 * WAIT_SECONDS)
        lost = self.queued_rows
        self._dropped_on_write += lost
        if self.dropped_rows:
            self._log.error(
                f"{self._log_table.name} closed with dropped rows",
                stored_rows=self._stored,
                dropped_rows=self.dropped_rows,
            )

    def _run(self) -> None:
        while True:
            is_stopping = self._stop.wait(self._flush_seconds)
            try:
                self._write_all()
                if not is_stopping:
                    self._delete_old()
            except Exception as error:  # noqa: BLE001 - whatever happens, the thread must go on and report it
                self._note_unavailable(str(error) if isinstance(error, WriterUnavailable) else repr(error))
                if time.monotonic() >= self._close_deadline or (is_stopping and self.queued_rows == 0):
                    break
                if is_stopping:
                    time.sleep(self._flush_seconds)
            else:
                if is_stopping:
                    break
        self._writer.close()

    def _write_all(self) -> None:
        if not self._writer.is_open:
            self._writer.open()
        while (block := self._next_block()) is not None:
            written = self._writer.write(block)
            self._current_block = None
            self._confirmed_at = time.monotonic()
            if written.stored:
                self._note_available()
            self._stored += written.stored
            self._dropped_on_write += len(written.refused)
            for transaction_id, kind in written.refused:
                self._log.error(f"{self._log_table.name}: row not stored", transaction_id=transaction_id, error=kind)
            if time.monotonic() >= self._close_deadline:
                return
        self._confirmed_at = time.monotonic()
        if self._has_failed:
            # Without new prices, only a test shows that the database can be written again.
            self._writer.test_write()
            self._note_available()

    def _next_block(self) -> Block | None:
        """Return the block to write, the same one until it is written; None if the queue is empty."""
        if self._current_block is None:
            with self._lock:
                if self._blocks[0].requests:
                    self._current_block = self._blocks.popleft()
                    if not self._blocks:
                        self._blocks.append(Block())
        return self._current_block

    def _delete_old(self) -> None:
        if self._retention_seconds is None or self._monotonic() < self._next_retention_at:
            return
        # A failed deletion is not repeated at once either.
        self._next_retention_at = self._monotonic() + RETENTION_PAUSE_SECONDS
        if self._writer.delete_some_before(utc(self._clock() - self._retention_seconds)):
            self._next_retention_at = -math.inf

    def _note_unavailable(self, error: str) -> None:
        self._failed_at = time.monotonic()
        if not self._has_failed:
            self._has_relapsed = self._failed_at - self._recovered_at < RELAPSE_SECONDS
            self._log.error(f"{self._log_table.name}: database unavailable", error=error)
        self._has_failed = True

    def _note_silence(self) -> None:
        """Called while the writer process does not answer."""
        if self._is_overdue:
            self._note_unavailable(f"no write was confirmed for {SILENCE_SECONDS:g} s")

    def _note_available(self) -> None:
        """Called after a successful write."""
        if not self._has_failed or (self._has_relapsed and time.monotonic() - self._failed_at < STABLE_SECONDS):
            return
        self._has_failed = False
        self._recovered_at = time.monotonic()
        self._log.info(
            f"{self._log_table.name}: database available again",
            dropped_rows=self.dropped_rows,
            queued_rows=self.queued_rows,
        )
