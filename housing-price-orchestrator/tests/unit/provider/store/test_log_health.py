"""The prediction log says that it is unavailable when nothing is written, and available only after a write."""

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
import structlog
from benchmarks.faults.databases.small_disk import SmallDisk, can_mount, small_disk
from benchmarks.processes import process_tree

from factories import houses
from housing_price_orchestrator.provider.store import prediction_log
from housing_price_orchestrator.provider.store.prediction_log import SqlPredictionLog
from housing_price_orchestrator.provider.store.writer_process import client, process
from housing_price_orchestrator.provider.store.writer_process.client import Block, WriteResult, WriterUnavailable
from housing_price_orchestrator.shared.ids import time_ordered_ids
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from waiting import wait_until

UNAVAILABLE, AVAILABLE = "prediction log: database unavailable", "prediction log: database available again"
SILENCE_SECONDS = 0.3

new_ids = time_ordered_ids()


@pytest.fixture
def events() -> Iterator[list[Any]]:
    """The events that are logged."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("debug"))
    with structlog.testing.capture_logs() as captured:
        yield captured


type OpenLog = Callable[[Path], SqlPredictionLog]


@pytest.fixture
def open_log(events: list[Any]) -> Iterator[OpenLog]:
    opened: list[SqlPredictionLog] = []

    def start(file: Path) -> SqlPredictionLog:
        """Open a log that has written one row."""
        url = sa.URL.create("sqlite", database=str(file))
        log = SqlPredictionLog(url, max_queued_rows=100_000, flush_seconds=0.01)
        opened.append(log)
        log.start()
        if file.parent.exists():
            record(log, 1)
            wait_until(is_stored(log, 1), "not stored")
            # A busy machine may have taken long to start the process.
            events.clear()
        return log

    yield start
    for log in opened:
        log.close(within_seconds=1)


def record(log: SqlPredictionLog, count: int) -> None:
    model = ModelIdentity("housing-price", "7", "abc")
    log.record(new_ids(count), houses(count), [PriceEstimate(2.0, 1.0, 3.0, model, inputs=b"[1]")] * count)


def is_stored(log: SqlPredictionLog, rows: int) -> Callable[[], bool]:
    return lambda: log.stored_rows == rows


def names_of(events: list[Any]) -> list[str]:
    return [event["event"] for event in events if event["event"] in {UNAVAILABLE, AVAILABLE}]


def writer_pid() -> int:
    """Return the process id of this process's writer; servers of other tests may run with writers of their own."""
    own = os.getpid()
    (pid,) = (pid for pid in process_tree(own)[1:] if parent_of(pid) == own and is_running(pid))
    return pid


def parent_of(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return None


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def is_running(pid: int) -> bool:
    return process.__name__.encode() in command_of(pid)


@pytest.mark.full
def test_a_stopped_writer_process_is_reported_and_goes_on(open_log: OpenLog, tmp_path: Path, events: list[Any]) -> None:
    log = open_log(tmp_path / "log.db")
    pid = writer_pid()
    os.kill(pid, signal.SIGSTOP)
    # More than a pipe holds: the command cannot even be sent.
    record(log, 2_000)
    wait_until(lambda: UNAVAILABLE in names_of(events), "nothing was logged")
    assert log.is_unavailable
    assert names_of(events) == [UNAVAILABLE]
    os.kill(pid, signal.SIGCONT)
    wait_until(is_stored(log, 2_001), "not stored afterwards")
    wait_until(lambda: not log.is_unavailable, "still unavailable")
    assert names_of(events) == [UNAVAILABLE, AVAILABLE]


def test_a_writer_process_that_stays_stopped_is_replaced(
    open_log: OpenLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log(tmp_path / "log.db")
    monkeypatch.setattr(client.WriterProcessClient._call, "__kwdefaults__", {"seconds": 1.0})
    stopped = writer_pid()
    os.kill(stopped, signal.SIGSTOP)
    record(log, 3)
    wait_until(is_stored(log, 4), "not stored by another process")
    assert not is_running(stopped)
    assert not log.is_unavailable


def test_closing_leaves_no_stopped_process_behind(open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log(tmp_path / "log.db")
    pid = writer_pid()
    os.kill(pid, signal.SIGSTOP)
    record(log, 3)
    log.close(within_seconds=0.2)
    assert (log.stored_rows, log.dropped_rows) == (1, 3)
    wait_until(lambda: not is_running(pid), "the stopped process was left behind")


def test_closing_kills_a_process_that_does_not_end(open_log: OpenLog, tmp_path: Path) -> None:
    """Nothing is left to write, so the log only waits for the end of the process."""
    log = open_log(tmp_path / "log.db")
    pid = writer_pid()
    os.kill(pid, signal.SIGSTOP)
    log.close(within_seconds=0.2)
    assert not is_running(pid)
    assert (log.stored_rows, log.dropped_rows) == (1, 0)


def test_without_new_prices_a_test_shows_that_the_database_is_back(
    open_log: OpenLog, tmp_path: Path, events: list[Any]
) -> None:
    folder = tmp_path / "later"
    log = open_log(folder / "log.db")
    wait_until(lambda: log.is_unavailable, "the missing folder was not reported")
    folder.mkdir()
    wait_until(lambda: not log.is_unavailable, "still unavailable")
    assert names_of(events) == [UNAVAILABLE, AVAILABLE]
    assert log.stored_rows == 0


def test_a_log_that_cannot_be_written_does_not_become_available_by_being_opened(
    open_log: OpenLog, tmp_path: Path, events: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log(tmp_path / "log.db")
    opened = 0
    really_open = log._writer.open

    def count_and_open() -> None:
        nonlocal opened
        really_open()
        opened += 1

    monkeypatch.setattr(log._writer, "open", count_and_open)
    with closing(sqlite3.connect(tmp_path / "log.db")) as other:
        other.execute("ALTER TABLE prediction RENAME COLUMN price_usd TO price")
        other.commit()
        record(log, 1)
        wait_until(lambda: opened >= 3 and log.is_unavailable, "not tried again and reported")
        assert names_of(events) == [UNAVAILABLE]
        other.execute("ALTER TABLE prediction RENAME COLUMN price TO price_usd")
        other.commit()
    wait_until(is_stored(log, 2), "not stored afterwards")
    assert not log.is_unavailable
    assert names_of(events) == [UNAVAILABLE, AVAILABLE]


def test_a_log_that_fails_again_soon_reports_no_recovery_that_does_not_last(
    open_log: OpenLog, tmp_path: Path, events: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log(tmp_path / "log.db")
    really_write = log._writer.write
    failures = 0

    def fail_every_other_time(block: Block) -> WriteResult:
        nonlocal failures
        failures += 1
        if failures % 2:
            raise WriterUnavailable("database or disk is full")
        return really_write(block)

    with monkeypatch.context() as patch:
        patch.setattr(log._writer, "write", fail_every_other_time)
        for number in range(10):
            record(log, 1)
            wait_until(is_stored(log, 2 + number), "not stored")
    assert names_of(events) == [UNAVAILABLE, AVAILABLE, UNAVAILABLE]
    monkeypatch.setattr(prediction_log, "STABLE_SECONDS", 0.1)
    wait_until(lambda: not log.is_unavailable, "still unavailable")
    assert names_of(events) == [UNAVAILABLE, AVAILABLE] * 2


def test_a_defect_does_not_end_the_thread(
    open_log: OpenLog, tmp_path: Path, events: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log(tmp_path / "log.db")
    with monkeypatch.context() as patch:
        patch.setattr(log._writer, "write", lambda _: msgspec.msgpack.decode(b"\xc1"))
        record(log, 1)
        wait_until(lambda: log.is_unavailable, "not reported")
    wait_until(is_stored(log, 2), "not stored afterwards")
    assert names_of(events) == [UNAVAILABLE, AVAILABLE]


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    if not can_mount():
        pytest.skip("a tmpfs cannot be mounted: this user is not root")
    # SQLite's write-ahead log alone takes up to 4 MiB before it is written into the database.
    with small_disk(16) as mounted:
        yield mounted


@pytest.mark.full
def test_a_full_disk_is_reported_once_until_rows_are_written(
    open_log: OpenLog, disk: SmallDisk, events: list[Any]
) -> None:
    log = open_log(disk.folder / "log.db")
    disk.fill()
    for _ in range(100):
        record(log, 20)
        wait_until(lambda: log.is_unavailable or log.queued_rows == 0, "neither written nor reported")
    assert log.is_unavailable
    # Some rows may have fitted into space that the log had already taken, and later not.
    assert names_of(events) in ([UNAVAILABLE], [UNAVAILABLE, AVAILABLE, UNAVAILABLE])
    disk.free()
    wait_until(lambda: log.queued_rows == 0, "not stored afterwards")
    wait_until(lambda: not log.is_unavailable, "still unavailable")
    assert names_of(events)[-2:] == [UNAVAILABLE, AVAILABLE]
    assert log.dropped_rows == 0
