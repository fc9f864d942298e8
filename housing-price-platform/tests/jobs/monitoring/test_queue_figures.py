import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from dbos import DBOSClient
from sqlalchemy.engine import Engine, make_url

from housing_price_platform.jobs.client import open_client
from housing_price_platform.jobs.database import client_engine
from housing_price_platform.jobs.monitoring.queue_figures import (
    FAILURE_WINDOW_SECONDS,
    WorkflowFigures,
    read_queue_figures,
)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    url = make_url(database_url.replace("postgresql://", "postgresql+psycopg://"))
    engine = client_engine(url, connections=2, spare_connections=0, wait_seconds=10)
    yield engine
    engine.dispose()


@pytest.fixture
def client(engine: Engine) -> Iterator[DBOSClient]:
    client = open_client(engine, query_seconds=10)
    yield client
    client.destroy()


def submit(client: DBOSClient, engine: Engine, job_id: str, workflow: str, **columns: object) -> None:
    """Submit a job; `columns` are written into its row, as workers would."""
    client.enqueue({"workflow_name": workflow, "queue_name": "any", "workflow_id": job_id}, {})
    table = "workflow_status" if engine.dialect.name == "sqlite" else "dbos.workflow_status"
    with engine.begin() as connection:
        for name, value in columns.items():
            update = sa.text(f"UPDATE {table} SET {name} = :value WHERE workflow_uuid = :id")  # noqa: S608 - a constant
            connection.execute(update, {"value": value, "id": job_id})


def test_an_empty_database_has_figures_of_zero(client: DBOSClient) -> None:
    assert read_queue_figures(client, ["score"], now=time.time()) == {"score": WorkflowFigures()}


def test_jobs_are_counted_by_workflow_and_state(client: DBOSClient, engine: Engine) -> None:
    now = 1_800_000_000.0
    for job_id, age in (("a", 50), ("b", 90)):
        submit(client, engine, job_id, "score", created_at=int((now - age) * 1000))
    submit(client, engine, "c", "score", status="PENDING", created_at=int((now - 500) * 1000))
    submit(client, engine, "d", "train", status="SUCCESS", completed_at=int(now * 1000))
    submit(client, engine, "e", "other")
    assert read_queue_figures(client, ["score", "train"], now=now) == {
        "score": WorkflowFigures(waiting=2, running=1, oldest_waiting_seconds=90.0),
        "train": WorkflowFigures(),
    }


@pytest.mark.parametrize("status", ["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"])
def test_only_recent_failures_count(client: DBOSClient, engine: Engine, status: str) -> None:
    now = 1_800_000_000.0
    for job_id, age in (("a", 1), ("b", FAILURE_WINDOW_SECONDS - 1), ("c", FAILURE_WINDOW_SECONDS + 1)):
        submit(client, engine, job_id, "score", status=status, completed_at=int((now - age) * 1000))
    submit(client, engine, "d", "score", status="CANCELLED", completed_at=int(now * 1000))
    assert read_queue_figures(client, ["score"], now=now) == {"score": WorkflowFigures(failed_recently=2)}


def test_a_clock_that_is_behind_gives_no_negative_age(client: DBOSClient, engine: Engine) -> None:
    submit(client, engine, "a", "score", created_at=2_000_000)
    assert read_queue_figures(client, ["score"], now=1_000.0)["score"].oldest_waiting_seconds == 0
