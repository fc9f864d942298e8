"""Calls to a Postgres that is silent, frozen or replaced end in time, and work again as soon as it answers."""

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from benchmarks.faults.databases.postgres import Postgres
from benchmarks.faults.databases.silent_proxy import SilentProxy
from sqlalchemy.exc import OperationalError

from housing_price_platform.database.deadline import deadline
from housing_price_platform.database.engine import bounded_engine
from housing_price_platform.database.limits import Limits

pytestmark = pytest.mark.stack

type Silence = Callable[[], contextlib.AbstractContextManager[None]]


@pytest.fixture
def engine(proxied_url: str) -> Iterator[sa.Engine]:
    url = sa.make_url(proxied_url).set(drivername="postgresql+psycopg")
    made = bounded_engine(url, Limits(2, None, 30, answer_seconds=1), connections=3)
    yield made
    made.dispose()


@pytest.fixture(params=["silent proxy", "frozen server"])
def silence(request: pytest.FixtureRequest, proxy: SilentProxy, postgres: Postgres) -> Silence:
    @contextlib.contextmanager
    def silent_proxy() -> Iterator[None]:
        proxy.go_silent()
        try:
            yield
        finally:
            proxy.resume()

    return silent_proxy if request.param == "silent proxy" else postgres.frozen


def answer_of(engine: sa.Engine) -> int:
    with engine.begin() as connection:
        return int(connection.execute(sa.text("SELECT 41 + 1")).scalar_one())


def test_a_statement_without_an_answer_is_given_up_and_the_next_call_works(engine: sa.Engine, silence: Silence) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        with silence(), pytest.raises(OperationalError, match="no answer from the database within 1 s") as error:
            connection.execute(sa.text("SELECT 2"))
        # DBOS repeats calls of lost connections only.
        assert error.value.connection_invalidated
    assert answer_of(engine) == 42


def test_a_silent_pooled_connection_is_noticed_before_it_is_used(engine: sa.Engine, silence: Silence) -> None:
    assert answer_of(engine) == 42
    with silence(), pytest.raises(OperationalError, match=r"timeout expired"):
        answer_of(engine)
    assert answer_of(engine) == 42


def test_no_connection_is_waited_for_longer_than_its_limit(engine: sa.Engine, silence: Silence) -> None:
    with silence(), pytest.raises(OperationalError, match="timeout expired"):
        answer_of(engine)
    assert answer_of(engine) == 42


def test_a_commit_without_an_answer_is_given_up(engine: sa.Engine, silence: Silence) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text("CREATE TABLE committed (x int)"))
        with silence(), pytest.raises(OperationalError, match="no answer"):
            connection.commit()


def test_the_deadline_of_the_thread_ends_a_call_earlier(engine: sa.Engine) -> None:
    within = r"no answer from the database within 0\.\d+ s"
    with engine.connect() as connection, deadline(0.1), pytest.raises(OperationalError, match=within):
        connection.execute(sa.text("SELECT pg_sleep(30)"))
    assert answer_of(engine) == 42


def test_after_a_failover_one_call_finds_all_old_connections_lost(engine: sa.Engine, proxy: SilentProxy) -> None:
    with engine.connect() as one, engine.connect() as two, engine.connect() as three:
        for connection in (one, two, three):
            connection.execute(sa.text("SELECT 1"))
    proxy.go_silent(accepts_new=True)
    for _ in range(4):
        assert answer_of(engine) == 42


def test_a_connection_that_waits_for_notifications_is_not_given_up_while_it_answers(engine: sa.Engine) -> None:
    raw = engine.raw_connection()
    listening = raw.driver_connection
    assert listening is not None
    listening.set_autocommit(True)
    listening.execute("LISTEN news")
    # Longer than `answer_seconds`, without a notification.
    assert list(listening.notifies(timeout=1.5)) == []
    with engine.begin() as connection:
        connection.execute(sa.text("NOTIFY news, 'first'"))
    assert next(listening.notifies()).payload == "first"
    raw.close()


def test_the_server_limits_statements_locks_and_idle_transactions(proxied_url: str) -> None:
    url = sa.make_url(f"{proxied_url}?options=-c%20application_name%3Dmine").set(drivername="postgresql+psycopg")
    engine = bounded_engine(url, Limits(2, 0.25, 1.5), connections=1)
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "TimeZone", "application_name")
    with engine.connect() as connection:
        shown = [connection.execute(sa.text(f"SHOW {name}")).scalar() for name in names]
        assert shown == ["1500ms", "250ms", "1min", "UTC", "mine"]
    engine.dispose()


def test_the_calls_took_no_longer_than_promised(engine: sa.Engine, silence: Silence) -> None:
    started = time.monotonic()
    with silence(), deadline(3), contextlib.suppress(OperationalError):
        answer_of(engine)
    # Generous: a busy machine must not fail the test, and without limits the call would take minutes.
    assert time.monotonic() - started < 30
