"""Writes down what was answered, in a process of its own and many rows at a time.

A request only adds the bytes of what it was answered to those of others, in a queue of bounded length: less than 1 us
of work for a house, 0.4 ms for a thousand, and no object that stays. (Thousands of small ones between those that come
and go with each request would cost it 6 us: all that it uses then lies elsewhere in memory each time.) A thread looks
into the queue now and then, hands what it finds to a process that makes rows of it and writes them into the database
(`remote_writer.py`), and waits for its answer. The thread itself makes nothing of it: the interpreter serves one thread
at a time, and requests would wait.

While the database is away, locked or full the thread keeps trying; what does not fit into the queue meanwhile is
dropped and counted: recorded = stored + dropped + queued, exactly. A process that is killed loses what is in the queue:
what was answered in the last moments, or while the database was away.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import msgspec
import structlog
from sqlalchemy.engine import URL

from housing_price_orchestrator.observability.record import current_request
from housing_price_orchestrator.provider.model_server.columns import COLUMNS
from housing_price_orchestrator.provider.store.rows import ANSWERS, Answered, Kept, utc
from housing_price_orchestrator.provider.store.writer_process.client import Block, RemoteRowWriter, StoreAway
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse

FLUSH_SECONDS = 0.5
"""How long a row waits in the queue while all is well, and so what a killed process loses.

The more rows go into one transaction, the more of them share a page of an index (`SEGMENT_ROWS`), which is written once
for all.
"""

BLOCK_BYTES = 12 * 1024 * 1024
"""So much, and what the last request adds to it, is written in one transaction: about 20,000 rows, for which others
that write wait a fifth of a second."""

WAIT_SECONDS = 1.0
"""How long the thread waits for a lock or a connection before it tries again."""

RETENTION_PAUSE_SECONDS = 60.0
"""How long nobody looks for old rows after none were found."""


_encode: Callable[[Answered], bytes] = msgspec.msgpack.Encoder().encode


class SqlPredictionLog:
    """A `PredictionLog` in a SQL database: of the prices that were answered, or of others made for the same houses."""

    def __init__(
        self,
        url: URL,
        *,
        kept: Kept = ANSWERS,
        max_queued_rows: int,
        retention_seconds: float | None = None,
        is_sampled: Callable[[], bool] | None = None,
        clock: Callable[[], float] = time.time,
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        """Write to the database at `url`, which is opened by `start` and need not be there.

        Args:
            url: where; see `open_database`.
            kept: what is written of each price, and into which table.
            max_queued_rows: how many rows may wait; a row takes about 1 kB of memory.
            retention_seconds: rows older than that are deleted, a few at a time; None keeps all.
            is_sampled: asked for each row whether it is taken down; None takes down all.
            clock: the time, in seconds since 1970.
            flush_seconds: how long the thread sleeps between two looks into the queue.
        """
        self._kept = kept
        self._max_queued_rows = max_queued_rows
        self._retention_seconds = retention_seconds
        self._is_sampled = is_sampled
        self._clock = clock
        self._flush_seconds = flush_seconds
        self._log = structlog.get_logger()
        # The last one is filled by whoever records; nobody holds the lock for longer than that takes.
        self._blocks = deque([Block()])
        self._lock = threading.Lock()
        # Each number is changed by one thread only: these by the one that records, the others by the one that writes.
        self._recorded = 0
        self._dropped_at_once = 0
        self._stored = 0
        self._dropped_later = 0
        self._is_away = False
        self._writer = RemoteRowWriter(url, table=kept.table.name, inputs=COLUMNS, wait_seconds=WAIT_SECONDS)
        self._in_hand: Block | None = None
        self._look_for_old_at = 0.0
        self._stop = threading.Event()
        self._give_up_at = float("inf")
        self._thread = threading.Thread(target=self._run, name=kept.name, daemon=True)

    @property
    def recorded_rows(self) -> int:
        """How many rows were to be taken down since the start."""
        return self._recorded

    @property
    def stored_rows(self) -> int:
        """How many of them are in the database."""
        return self._stored

    @property
    def dropped_rows(self) -> int:
        """How many of them are lost."""
        return self._dropped_at_once + self._dropped_later

    @property
    def queued_rows(self) -> int:
        """How many of them wait."""
        return self._recorded - self._stored - self.dropped_rows

    @property
    def is_away(self) -> bool:
        """Whether the database could not be written to when it was last tried."""
        return self._is_away

    def record(
        self, transaction_ids: Sequence[str], houses: Sequence[AnyHouse], estimates: Sequence[PriceEstimate], /
    ) -> None:
        """See `PredictionLog.record`."""
        if self._is_sampled is not None:
            chosen = [place for place in range(len(houses)) if self._is_sampled()]
            transaction_ids = [transaction_ids[place] for place in chosen]
            houses = [houses[place] for place in chosen]
            estimates = [estimates[place] for place in chosen]
        rows = len(houses)
        self._recorded += rows
        if self._recorded - self._stored - self._dropped_at_once - self._dropped_later > self._max_queued_rows:
            self._dropped_at_once += rows
            return
        request = current_request.get()
        request_id, key_id = ("", None) if request is None else (request.request_id, request.key_id)
        try:
            house_ids = [house.id for house in houses]
            answered = _encode((self._clock(), request_id, key_id, transaction_ids, house_ids, estimates))
        except Exception as error:  # noqa: BLE001 - the answer is good, whatever keeps it from being logged
            self._dropped_at_once += rows
            self._log.error(f"{self._kept.name}: not encoded", request_id=request_id, rows=rows, exc_info=error)
            return
        with self._lock:
            block = self._blocks[-1]
            block.add(answered)
            if len(block.body) >= BLOCK_BYTES:
                self._blocks.append(Block())

    def start(self) -> None:
        """Begin to write; the database is opened, and its tables are made, by the thread."""
        self._thread.start()

    def close(self, *, within_seconds: float) -> None:
        """Write what is queued, and end; what cannot be written in time is dropped and counted.

        Once is enough; the second time nothing happens.
        """
        if self._stop.is_set():
            return
        self._give_up_at = time.monotonic() + within_seconds
        self._stop.set()
        self._thread.join(within_seconds + 2 * WAIT_SECONDS)
        # The thread may hang in a call to the database, which nothing can interrupt; it dies with the process.
        lost = self.queued_rows
        self._dropped_later += lost
        if self.dropped_rows:
            self._log.error(f"{self._kept.name} closed", stored_rows=self._stored, dropped_rows=self.dropped_rows)

    def _run(self) -> None:
        while True:
            is_stopping = self._stop.wait(self._flush_seconds)
            try:
                self._write_all()
                if not is_stopping:
                    self._delete_old()
            except StoreAway as error:
                self._note_away(error)
                if time.monotonic() >= self._give_up_at or (is_stopping and self.queued_rows == 0):
                    break
                if is_stopping:
                    time.sleep(self._flush_seconds)
            else:
                if is_stopping:
                    break
        self._writer.close()

    def _write_all(self) -> None:
        if not self._writer.is_open:
            self._open()
        while (block := self._next_block()) is not None:
            written = self._writer.write(block)
            self._in_hand = None
            self._stored += written.stored
            self._dropped_later += len(written.refused)
            for transaction_id, kind in written.refused:
                self._log.error(f"{self._kept.name}: row not stored", transaction_id=transaction_id, error=kind)
            if time.monotonic() >= self._give_up_at:
                return

    def _open(self) -> None:
        self._writer.open()
        if self._is_away:
            self._log.info(f"{self._kept.name} back", dropped_rows=self.dropped_rows, queued_rows=self.queued_rows)
        self._is_away = False

    def _next_block(self) -> Block | None:
        """Give what is to be written next, the same until it was written; None where there is nothing."""
        if self._in_hand is None:
            with self._lock:
                if self._blocks[0].requests:
                    self._in_hand = self._blocks.popleft()
                    if not self._blocks:
                        self._blocks.append(Block())
        return self._in_hand

    def _delete_old(self) -> None:
        if self._retention_seconds is None or self._clock() < self._look_for_old_at:
            return
        if not self._writer.delete_some_before(utc(self._clock() - self._retention_seconds)):
            self._look_for_old_at = self._clock() + RETENTION_PAUSE_SECONDS

    def _note_away(self, error: StoreAway) -> None:
        if not self._is_away:
            self._log.error(f"{self._kept.name} away", error=str(error))
        self._is_away = True
