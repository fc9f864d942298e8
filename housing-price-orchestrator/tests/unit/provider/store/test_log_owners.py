"""Migration 0004 gives logged houses and sale prices to the callers in the log, and undoing it loses little."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from housing_price_orchestrator.provider.access.tokens import caller_prefix_of
from housing_price_orchestrator.provider.store.actuals import find_owners, realised_errors, store_actuals
from housing_price_orchestrator.provider.store.database import downgrade, for_writing, open_database, upgrade
from housing_price_orchestrator.provider.store.realised_studies import realised_studies
from housing_price_orchestrator.provider.store.tables import actual, prediction, realised
from housing_price_orchestrator.settings import PredictionLogSettings
from housing_price_orchestrator.shared.history import Actual, ActualsResult, LogCaller

ISSUER = caller_prefix_of("https://issuer.example")
RECEIVED_AT = datetime(2026, 11, 30)  # noqa: DTZ001 - the log's times are UTC without a zone

OLD_CALLERS = (None, "aaaaaaaa", "bbbbbbbb", "jwt:ann", "jwt:a@b.c~0123456789abcdef")


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = open_database(sa.make_url(PredictionLogSettings(url=database_url).url), wait_seconds=5, connections=2)
    yield engine
    engine.dispose()


def transaction(number: int) -> str:
    return f"{number:032x}"


def write_predictions(engine: sa.Engine, *rows: tuple[int, str | None, int]) -> None:
    """Log predictions, each of a number, a caller and a house."""
    values = [
        {
            "transaction_id": transaction(number),
            "predicted_at": datetime(2026, 11, 1, 0, number),  # noqa: DTZ001 - as in the log
            "request_id": "r",
            "key_id": key_id,
            "house_id": house_id,
            "price_usd": 1000.0 + number,
            "low_usd": 1.0,
            "high_usd": 1e6,
            "columns_version": 1,
            "inputs": "[]",
            "source": "model",
        }
        | dict.fromkeys(("model_name", "model_version", "model_id"), "m")
        for number, key_id, house_id in rows
    ]
    with for_writing(engine).begin() as connection:
        connection.execute(sa.insert(prediction), values)


def write_old_actuals(engine: sa.Engine, *rows: tuple[str | None, int | None, str | None, float]) -> None:
    """Write sale prices as revision 0003 did: transaction, house, reporter and price."""
    columns = ("transaction_id", "house_id", "key_id", "sale_price_usd")
    values = [dict(zip(columns, row, strict=True)) | {"received_at": RECEIVED_AT} for row in rows]
    table = sa.table("actual", *(sa.column(name, actual.c[name].type) for name in (*columns, "received_at")))
    with for_writing(engine).begin() as connection:
        connection.execute(sa.insert(table), values)


def joined(engine: sa.Engine) -> list[tuple[int, float]]:
    """Number of each prediction with a sale price, and that price."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(realised.c.transaction_id, realised.c.sale_price_usd))
        return sorted((int(one, 16), price) for one, price in rows)


def report(engine: sa.Engine, caller: LogCaller, *actuals: Actual) -> ActualsResult:
    with for_writing(engine).begin() as connection:
        return store_actuals(connection, actuals, find_owners(connection, actuals, caller), caller, RECEIVED_AT)


def callers_in(engine: sa.Engine, table: sa.Table) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.select(table.c.key_id).order_by(sa.text("1"))).unique())


def test_logged_sale_prices_stay_with_the_callers_that_reported_them(engine: sa.Engine) -> None:
    upgrade(engine, "0003")
    write_predictions(engine, (1, "aaaaaaaa", 1), (2, "bbbbbbbb", 1), (3, None, 1), (4, "aaaaaaaa", 2))
    write_old_actuals(
        engine,
        (None, 1, "aaaaaaaa", 11.0),
        (transaction(4), None, "bbbbbbbb", 44.0),  # another caller's prediction
        (None, 1, None, 33.0),
        (None, 2, "bbbbbbbb", 22.0),  # a house that this caller never priced
    )
    upgrade(engine)
    assert joined(engine) == [(1, 11.0), (3, 33.0)]
    # The owner can still report what another caller reported before.
    ann = LogCaller("aaaaaaaa", sees_all=False)
    assert report(engine, ann, Actual(transaction(4), None, 44.0, None)).stored == 1
    assert (4, 44.0) in joined(engine)


@pytest.mark.parametrize("prefix", [ISSUER, None])
def test_callers_with_tokens_get_the_configured_issuer(engine: sa.Engine, prefix: str | None) -> None:
    upgrade(engine, "0003")
    write_predictions(engine, *((number, key_id, 1) for number, key_id in enumerate(OLD_CALLERS)))
    write_old_actuals(engine, *((None, 1, key_id, 1.0 + number) for number, key_id in enumerate(OLD_CALLERS)))
    upgrade(engine, token_caller_prefix=prefix)
    expected = [
        f"{prefix}{one.removeprefix('jwt:')}" if prefix and one and one.startswith("jwt:") else one
        for one in OLD_CALLERS
    ]
    for table in (prediction, actual):
        assert set(callers_in(engine, table)) == set(expected)
    assert joined(engine) == [(number, 1.0 + number) for number in range(len(OLD_CALLERS))]
    downgrade(engine, "0003")
    for table in (prediction, actual):
        assert set(callers_in(engine, table)) == set(OLD_CALLERS)
    upgrade(engine, token_caller_prefix=prefix)
    assert set(callers_in(engine, prediction)) == set(expected)


def test_callers_with_tokens_of_other_issuers_keep_theirs(engine: sa.Engine) -> None:
    upgrade(engine)
    other = caller_prefix_of("https://other.example")
    write_predictions(engine, (1, f"{other}ann", 1), (2, f"{ISSUER}ann", 1))
    downgrade(engine, "0003")
    assert callers_in(engine, prediction) == ["jwt:ann"]
    upgrade(engine, token_caller_prefix=ISSUER)
    assert callers_in(engine, prediction) == [f"{ISSUER}ann"]


def test_a_report_for_another_caller_stays_with_the_owner_after_a_downgrade(engine: sa.Engine) -> None:
    upgrade(engine)
    write_predictions(engine, (1, "aaaaaaaa", 1))
    admin = LogCaller("bbbbbbbb", sees_all=True)
    assert report(engine, admin, Actual(transaction(1), None, 50.0, None)).stored == 1
    with engine.connect() as connection:
        assert connection.execute(sa.select(actual.c.key_id, actual.c.reported_by)).all() == [("aaaaaaaa", "bbbbbbbb")]
    downgrade(engine, "0003")
    assert joined(engine) == [(1, 50.0)]
    upgrade(engine)
    assert joined(engine) == [(1, 50.0)]


def test_the_error_of_a_caller_covers_its_own_predictions(engine: sa.Engine) -> None:
    upgrade(engine)
    write_predictions(engine, (1, "aaaaaaaa", 1), (2, "bbbbbbbb", 1), (3, None, 1))
    callers = [LogCaller(key_id, sees_all=key_id is None) for key_id in ("aaaaaaaa", "bbbbbbbb", None)]
    for number, caller in enumerate(callers, start=1):
        assert report(engine, caller, Actual(None, 1, 1000.0 + number, None)).stored == 1
    with engine.connect() as connection:
        counts = [[one.count for one in realised_errors(connection, caller)] for caller in callers]
        studied = [[one.all_sales.sales for one in realised_studies(connection, caller)] for caller in callers]
    assert counts == studied == [[1], [1], [3]]


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_postgres_finds_the_sold_houses_of_many_callers_by_index(engine: sa.Engine) -> None:
    upgrade(engine)
    with for_writing(engine).begin() as connection:
        # Every caller numbers its houses from 1.
        connection.exec_driver_sql(
            "INSERT INTO prediction SELECT lpad(to_hex(n), 32, '0'), timestamp '2026-11-01', 'r', "
            "CASE WHEN n %% 201 = 0 THEN NULL ELSE 'key' || n %% 201 END, n / 201, 'm', 'm', 'm', 1, '[]', 1, 1, 1, "
            "'model', 'champion', 0 FROM generate_series(1, 40000) AS n"
        )
        connection.exec_driver_sql(
            "INSERT INTO actual (house_id, key_id, sale_price_usd, received_at) "
            "SELECT n, CASE WHEN n %% 2 = 0 THEN NULL ELSE 'key7' END, 1, timestamp '2026-11-02' "
            "FROM generate_series(1, 20) AS n"
        )
        connection.exec_driver_sql("ANALYZE prediction")
        connection.exec_driver_sql("ANALYZE actual")
        plan = "\n".join(connection.exec_driver_sql("EXPLAIN SELECT * FROM realised").scalars())
        of_one = "\n".join(connection.exec_driver_sql("EXPLAIN SELECT * FROM realised WHERE key_id = 'key7'").scalars())
    assert "Seq Scan on prediction" not in plan, plan
    assert "prediction_by_house" in plan, plan
    # The sale prices of other callers are not read.
    assert of_one.count("key_id = 'key7'::text") >= of_one.count(" on actual") - 1 > 0, of_one
    assert len(joined(engine)) == 20


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_reads_the_sale_prices_of_one_caller_only(engine: sa.Engine) -> None:
    upgrade(engine)
    with engine.connect() as connection:
        steps = connection.exec_driver_sql("EXPLAIN QUERY PLAN SELECT * FROM realised WHERE key_id = 'key7'").all()
    plan = [step.detail for step in steps]
    assert [step for step in plan if "USING INDEX actual_by_owner (key_id=?" in step], plan
    assert not [step for step in plan if step == "SCAN a"], plan
