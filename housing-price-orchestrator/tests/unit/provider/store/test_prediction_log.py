"""The prediction log stores every row or counts it as dropped, and recording never fails."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
import structlog

from factories import house, houses
from fakes import FakeClock
from housing_price_orchestrator.observability.record import RequestRecord, current_request
from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.provider.store import prediction_log
from housing_price_orchestrator.provider.store.prediction_log import RETENTION_PAUSE_SECONDS, SqlPredictionLog
from housing_price_orchestrator.provider.store.rows import SHADOW_LOG
from housing_price_orchestrator.shared.ids import time_ordered_ids
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate, ValuationRecord
from housing_price_orchestrator.shared.view.house import House
from housing_price_survey.columns import COLUMNS
from waiting import wait_until

MODEL = ModelIdentity("housing-price", "7", "0123456789abcdef")
CANARY = ModelIdentity("housing-price", "8", "fedcba9876543210", "canary")

type OpenLog = Callable[..., SqlPredictionLog]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def open_log(file: Path) -> Iterator[OpenLog]:
    """Opens a log on `file` and closes it after the test."""
    opened: list[SqlPredictionLog] = []

    def start(**options: Any) -> SqlPredictionLog:
        options = {"max_queued_rows": 10_000, "flush_seconds": 0.01} | options
        log = SqlPredictionLog(options.pop("url", sa.make_url(f"sqlite:///{file}")), **options)
        opened.append(log)
        log.start()
        return log

    yield start
    for log in opened:
        log.close(within_seconds=5)


new_ids = time_ordered_ids()


def estimates_of(asked: Sequence[House]) -> list[PriceEstimate]:
    return [
        PriceEstimate(100_000.1 + one.id, 0.1 + one.id, 1e9 / 3 + one.id, MODEL, inputs=orjson.dumps(row_of(one)))
        for one in asked
    ]


def record(log: SqlPredictionLog, asked: Sequence[House], valuations: Sequence[ValuationRecord] = ()) -> list[str]:
    ids = new_ids(len(asked))
    log.record(ids, asked, estimates_of(asked), valuations)
    return ids


def valuations_of(asked: Sequence[House]) -> list[ValuationRecord]:
    return [ValuationRecord("price", 2.0 + one.id, 1.0, 9e9, None, ("price",), {}, None, ()) for one in asked]


def valued_in(file: Path) -> list[tuple[str, float]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT transaction_id, value_usd FROM valuation ORDER BY 1").fetchall()


def rows_in(file: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute("SELECT * FROM prediction ORDER BY transaction_id").fetchall()
    return [dict(row) for row in found]


def settled(log: SqlPredictionLog) -> None:
    wait_until(lambda: log.queued_rows == 0, f"{log.queued_rows} rows are still queued")
    assert log.queued_rows == 0


def test_every_value_is_stored_unchanged(open_log: OpenLog, file: Path) -> None:
    clock = FakeClock()
    clock.now = datetime(2026, 11, 21, 6, 30, 0, 123_456, UTC).timestamp()
    log = open_log(clock=clock)
    asked = house(id=2**63 - 1, alley=None, lotArea=8450.25)
    token = current_request.set(RequestRecord("caller-1", key_id="hp_1"))
    try:
        (transaction_id,) = record(log, [asked])
    finally:
        current_request.reset(token)
    settled(log)
    (estimate,) = estimates_of([asked])
    (row,) = rows_in(file)
    assert json.loads(row.pop("inputs")) == list(row_of(asked))
    assert row == {
        "transaction_id": transaction_id,
        "predicted_at": "2026-11-21 06:30:00.123000",
        "request_id": "caller-1",
        "key_id": "hp_1",
        "house_id": 2**63 - 1,
        "model_name": "housing-price",
        "model_version": "7",
        "model_id": "0123456789abcdef",
        "columns_version": 1,
        "price_usd": estimate.price_usd,
        "low_usd": estimate.low_usd,
        "high_usd": estimate.high_usd,
        "source": "model",
        "variant": "champion",
        "segment": 0,
    }


@pytest.mark.parametrize("second", [0.0, 0.001, 0.5, 0.999])
def test_stored_times_sort_in_time_order(open_log: OpenLog, file: Path, second: float) -> None:
    clock = FakeClock()
    clock.now = datetime(2026, 11, 21, 6, 30, 59, tzinfo=UTC).timestamp() + second
    log = open_log(clock=clock)
    record(log, [house()])
    clock.passes(1)
    record(log, [house()])
    settled(log)
    first, second_one = (row["predicted_at"] for row in rows_in(file))
    assert len(first) == len(second_one) == 26
    assert first < second_one
    assert abs((datetime.fromisoformat(second_one) - datetime.fromisoformat(first)).total_seconds() - 1) < 0.0015


@pytest.mark.parametrize("count", [1, 2, 2_047, 2_048, 2_049, 9_999])
def test_rows_of_a_request_of_any_size_are_stored_in_order(open_log: OpenLog, file: Path, count: int) -> None:
    log = open_log()
    asked = houses(count)
    ids = record(log, asked)
    settled(log)
    rows = rows_in(file)
    assert [row["transaction_id"] for row in rows] == ids
    assert [row["house_id"] for row in rows] == [one.id for one in asked]
    assert [json.loads(row["inputs"]) for row in rows[:: max(1, count // 10)]] == [
        list(row_of(one)) for one in asked[:: max(1, count // 10)]
    ]


def test_more_than_one_block_is_written_in_order(
    open_log: OpenLog, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_log, "BLOCK_BYTES", 2_000)
    log = open_log(flush_seconds=3600)
    ids = [transaction_id for count in (1, 2, 3, 50, 1, 1) for transaction_id in record(log, houses(count))]
    log.close(within_seconds=30)
    assert [row["transaction_id"] for row in rows_in(file)] == ids
    assert log.stored_rows == 58


def test_closing_writes_the_queued_rows(open_log: OpenLog, file: Path) -> None:
    log = open_log(flush_seconds=3600)
    for _ in range(10):
        record(log, houses(100))
    log.close(within_seconds=30)
    assert (log.stored_rows, log.dropped_rows) == (1_000, 0)
    assert len(rows_in(file)) == 1_000


def test_rows_that_do_not_fit_into_the_queue_are_dropped_and_counted(open_log: OpenLog, file: Path) -> None:
    log = open_log(flush_seconds=3600, max_queued_rows=250)
    for _ in range(3):
        record(log, houses(100))
    assert (log.stored_rows, log.queued_rows, log.dropped_rows) == (0, 200, 100)
    record(log, houses(50))
    assert (log.stored_rows, log.queued_rows, log.dropped_rows) == (0, 250, 100)
    log.close(within_seconds=30)
    assert (log.stored_rows, log.dropped_rows, len(rows_in(file))) == (250, 100, 250)


def test_rows_are_written_after_a_locked_database_is_released(open_log: OpenLog, file: Path) -> None:
    log = open_log(max_queued_rows=500)
    record(log, houses(1))
    settled(log)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for _ in range(7):
            record(log, houses(100))
        wait_until(lambda: log.is_unavailable, "the log did not report the database as unavailable")
        assert log.stored_rows == 1
        assert log.dropped_rows == 200
        other.execute("ROLLBACK")
    settled(log)
    assert not log.is_unavailable
    assert (log.stored_rows, log.dropped_rows, log.queued_rows) == (501, 200, 0)
    assert len(rows_in(file)) == 501


def test_a_database_that_stays_locked_does_not_delay_closing(open_log: OpenLog, file: Path) -> None:
    log = open_log()
    record(log, houses(1))
    settled(log)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        record(log, houses(10))
        log.close(within_seconds=0.5)
        assert (log.stored_rows, log.dropped_rows, log.queued_rows) == (1, 10, 0)
    assert len(rows_in(file)) == 1


def test_rows_are_written_once_a_missing_database_can_be_created(open_log: OpenLog, tmp_path: Path) -> None:
    folder = tmp_path / "later"
    log = open_log(url=sa.make_url(f"sqlite:///{folder / 'log.db'}"))
    record(log, houses(3))
    wait_until(lambda: log.is_unavailable, "the log did not report the database as unavailable")
    folder.mkdir()
    settled(log)
    assert (log.stored_rows, log.dropped_rows, log.is_unavailable) == (3, 0, False)


def test_two_logs_can_write_to_one_file(open_log: OpenLog, file: Path) -> None:
    logs = [open_log(), open_log()]

    def write(log: SqlPredictionLog) -> None:
        for _ in range(50):
            record(log, houses(20))

    threads = [threading.Thread(target=write, args=(log,)) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for log in logs:
        settled(log)
        assert (log.stored_rows, log.dropped_rows) == (1_000, 0)
    assert len(rows_in(file)) == 2_000


@pytest.mark.parametrize("count", [1, 3])
def test_an_encoding_failure_loses_only_the_rows_of_its_request(open_log: OpenLog, file: Path, count: int) -> None:
    log = open_log()
    ids = new_ids(count)
    bad: Any = [object()] * count
    log.record(ids, bad, estimates_of(houses(count)))
    record(log, houses(5))
    settled(log)
    assert (log.stored_rows, log.dropped_rows) == (5, count)
    assert len(rows_in(file)) == 5


def test_a_row_that_the_database_refuses_does_not_block_the_others(open_log: OpenLog, file: Path) -> None:
    log = open_log(flush_seconds=3600)
    asked = houses(3)
    estimates = estimates_of(asked)
    none: Any = None
    estimates[1] = PriceEstimate(none, 1.0, 1.0, MODEL)
    log.record(new_ids(3), asked, estimates)
    log.close(within_seconds=30)
    assert (log.stored_rows, log.dropped_rows) == (2, 1)
    assert [row["house_id"] for row in rows_in(file)] == [1, 3]


def test_an_existing_row_is_not_overwritten(open_log: OpenLog, file: Path) -> None:
    log = open_log()
    ids = new_ids(1)
    for number in (1, 2):
        log.record(ids, [house(id=number)], estimates_of([house(id=number)]))
        settled(log)
    assert [row["house_id"] for row in rows_in(file)] == [1]


def test_only_sampled_rows_are_logged(open_log: OpenLog, file: Path) -> None:
    dice = iter([True, False, True, False, False])
    log = open_log(is_sampled=lambda: next(dice))
    ids = record(log, houses(5), valuations_of(houses(5)))
    settled(log)
    assert (log.stored_rows, log.dropped_rows) == (2, 0)
    assert [row["house_id"] for row in rows_in(file)] == [1, 3]
    assert valued_in(file) == [(ids[0], 3.0), (ids[2], 5.0)]


def test_the_variant_of_the_model_is_stored(open_log: OpenLog, file: Path) -> None:
    log = open_log()
    for model in (MODEL, CANARY):
        log.record(new_ids(1), [house()], [PriceEstimate(2.0, 1.0, 3.0, model)])
    settled(log)
    assert [(row["model_version"], row["variant"]) for row in rows_in(file)] == [("7", "champion"), ("8", "canary")]


@pytest.mark.parametrize("count", [1, 3])
def test_shadow_prices_are_stored_in_their_own_table(open_log: OpenLog, file: Path, count: int) -> None:
    clock = FakeClock()
    clock.now = datetime(2026, 11, 21, 6, 30, 0, 123_456, UTC).timestamp()
    answers, shadows = open_log(), open_log(log_table=SHADOW_LOG, clock=clock)
    asked = houses(count)
    ids = record(answers, asked)
    shadow = ModelIdentity("housing-price", "9", "abc", "shadow")
    shadows.record(ids, asked, [PriceEstimate(2.5 + one.id, 1.5, 9e9, shadow) for one in asked])
    settled(answers)
    settled(shadows)
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute("SELECT * FROM shadow_prediction ORDER BY transaction_id").fetchall()
    assert found == [
        (transaction_id, "2026-11-21 06:30:00.123000", "housing-price", "9", "abc", 2.5 + one.id, 1.5, 9e9)
        for transaction_id, one in zip(ids, asked, strict=True)
    ]
    assert [row["transaction_id"] for row in rows_in(file)] == ids


def test_only_rows_past_the_retention_period_are_deleted(open_log: OpenLog, file: Path) -> None:
    clock = FakeClock()
    clock.now = 1_800_000_000.0
    log = open_log(clock=clock, monotonic=clock, retention_seconds=86_400)
    ids = record(log, houses(2_500), valuations_of(houses(2_500)))
    settled(log)
    shadows = open_log(log_table=SHADOW_LOG, clock=clock)
    shadows.record(ids, houses(2_500), estimates_of(houses(2_500)))
    settled(shadows)
    report_sale(file, ids[0], clock.now)
    clock.passes(86_000)
    young = record(log, houses(5), valuations_of(houses(5)))
    settled(log)
    report_sale(file, young[0], clock.now)
    assert len(rows_in(file)) == 2_505
    clock.passes(1_000)
    wait_until(lambda: len(rows_in(file)) == 5, "old rows are still there")
    assert [row["transaction_id"] for row in rows_in(file)] == young
    wait_until(lambda: [one for one, _ in valued_in(file)] == young, "old valuations are still there")
    with closing(sqlite3.connect(file)) as connection:
        count = "SELECT COUNT(*) FROM shadow_prediction"
        wait_until(lambda: connection.execute(count).fetchone() == (0,), "old rows of the shadow are still there")
        sales = "SELECT transaction_id FROM actual"
        wait_until(lambda: connection.execute(sales).fetchall() == [(young[0],)], "an old sale price is still there")


def report_sale(file: Path, transaction_id: str, at_seconds: float) -> None:
    """Store a sale price as the service does."""
    received_at = datetime.fromtimestamp(at_seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            "INSERT INTO actual (transaction_id, sale_price_usd, received_at) VALUES (?, 1, ?)",
            (transaction_id, received_at),
        )


def test_retention_goes_on_after_the_wall_clock_was_years_ahead(open_log: OpenLog, file: Path) -> None:
    clock, monotonic = FakeClock(), FakeClock()
    clock.now = today = 1_800_000_000.0
    log = open_log(clock=clock, monotonic=monotonic, retention_seconds=86_400)

    def is_empty_after_the_pause() -> bool:
        monotonic.passes(RETENTION_PAUSE_SECONDS)
        return rows_in(file) == []

    record(log, houses(5))
    settled(log)
    clock.now = today + 10 * 365 * 86_400
    wait_until(is_empty_after_the_pause, "the clock is ahead, so all rows are old")
    clock.now = today
    record(log, houses(3))
    settled(log)
    clock.passes(86_401)
    wait_until(is_empty_after_the_pause, "the retention is off since the clock was ahead")


def test_log_events_about_an_unavailable_database_contain_no_inputs(open_log: OpenLog, file: Path) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("debug"))
    with structlog.testing.capture_logs() as events:
        log = open_log()
        record(log, houses(3))
        settled(log)
        with closing(sqlite3.connect(file)) as other:
            other.execute("ALTER TABLE prediction RENAME TO elsewhere")
        record(log, houses(3))
        wait_until(lambda: log.is_unavailable, "the log did not report the database as unavailable")
        log.close(within_seconds=0.1)
    written = str(events)
    assert "prediction log: database unavailable" in written
    assert "INSERT" not in written
    assert "NAmes" not in written


def test_tables_of_a_later_release_are_reported_and_the_rows_wait(open_log: OpenLog, file: Path) -> None:
    first = open_log()
    record(first, houses(1))
    settled(first)
    first.close(within_seconds=30)

    def set_revision(revision: str) -> None:
        with closing(sqlite3.connect(file)) as database, database:
            database.execute("UPDATE alembic_version SET version_num = ?", [revision])

    with closing(sqlite3.connect(file)) as database:
        (revision,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    set_revision("9999")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("debug"))
    with structlog.testing.capture_logs() as events:
        log = open_log()
        record(log, houses(3))
        wait_until(lambda: "have revision" in str(events), "the later release was not reported")
    assert log.is_unavailable
    (error,) = {event["error"] for event in events if "have revision" in str(event)}
    assert "have revision 9999" in error
    assert f"database downgrade --to {revision}" in error
    assert log.queued_rows == 3
    set_revision(revision)
    settled(log)
    assert log.stored_rows == 3


def test_the_column_names_of_the_inputs_are_stored(open_log: OpenLog, file: Path) -> None:
    record(log := open_log(), houses(1))
    settled(log)
    with closing(sqlite3.connect(file)) as connection:
        ((version, names),) = connection.execute("SELECT version, names FROM prediction_columns").fetchall()
    assert version == rows_in(file)[0]["columns_version"]
    assert json.loads(names) == list(COLUMNS)
