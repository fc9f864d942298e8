"""A shadow of the shipped program: its prices are compared and logged, and no caller notices it."""

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from factories import a_route, batch_bytes, house_bytes, houses_json, routes_json
from housing_price_orchestrator.provider.store.tables import prediction, shadow_prediction
from servers import (
    LISTENS,
    Behaviour,
    Process,
    StubModelServer,
    answers_without_end,
    closes_in_the_body,
    each,
    hangs,
    hangs_in_the_body,
    predicts,
    reserved_port,
    resets_before_it_answers,
    says,
    speaks_no_http,
    trickles,
)
from waiting import wait_until

PREDICT = "/api/v1/price/predict"
BATCH = f"{PREDICT}/batch"
STREAM = f"{PREDICT}/stream"
SHADOW_ROWS = "housing_price_shadow_rows_total"


def dearer(version: str, by: float) -> Behaviour:
    """Predict more than the champion does, as another model."""

    def make(made: list[dict[str, Any]]) -> dict[str, Any]:
        prices = [{name: one[name] * by for name in ("price", "low", "high")} for one in made]
        return {"predictions": [one | {"model_id": f"model-{version}"} for one in prices]}

    return predicts(make, x_model_version=version)


def champion_at(url: str) -> dict[str, Any]:
    return a_route("1", url, modelId="stub-1")


def put(path: Path, content: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(content, encoding="utf-8")
    new.replace(path)


@contextmanager
def serving(routes: Path, log: str, **variables: str) -> Iterator[tuple[Process, httpx.Client]]:
    with (
        Process(
            *(sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0"),
            ORCHESTRATOR_MODEL_SERVER__ROUTES_FILE=str(routes),
            ORCHESTRATOR_PREDICTION_LOG__URL=log,
            ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS="60",
            **variables,
        ) as process,
        httpx.Client(base_url=process.says(LISTENS)[1], timeout=60, trust_env=False) as client,
    ):
        wait_until(lambda: client.get("/readyz").status_code == 200, "it did not become ready")
        yield process, client


def figures(client: httpx.Client, name: str) -> dict[str, float]:
    """The series of a metric, by its labels."""
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith(name)]
    return {line.rpartition(" ")[0].removeprefix(name): float(line.rpartition(" ")[2]) for line in lines}


def stored_rows(client: httpx.Client) -> list[float]:
    """Return how many prices were written to the prediction log, and how many to that of the shadow."""
    return [figures(client, f"housing_price_{log}_log_stored_rows_total")[""] for log in ("prediction", "shadow")]


def outcomes(client: httpx.Client) -> dict[str, int]:
    """Return the outcomes of the copies that occurred, with their counts."""
    found = figures(client, SHADOW_ROWS)
    return {labels.split('"')[1]: int(value) for labels, value in found.items() if value}


def ask(client: httpx.Client, rows: int = 20) -> list[dict[str, Any]]:
    """Price houses by every operation, and check the answers; returns the predictions."""
    bodies = [house_bytes(id=number, lotArea=5_000 + number) for number in range(1, rows + 1)]
    singles = [client.post(PREDICT, content=body) for body in bodies]
    batch = client.post(BATCH, content=batch_bytes(houses_json(rows)))
    stream = client.post(STREAM, content=b"\n".join(bodies), headers={"content-type": "application/x-ndjson"})
    assert {answer.status_code for answer in (*singles, batch, stream)} == {200}
    lines = [json.loads(line) for line in stream.content.splitlines()]
    made = [*(answer.json() for answer in singles), *batch.json()["predictions"], *lines]
    assert len(made) == 3 * rows
    assert {one["model"]["id"] for one in made} == {"stub-1"}
    # Each operation returns the champion's price for the same house.
    assert [one["predictedPrice"] for one in made[:rows]] == [one["predictedPrice"] for one in made[2 * rows :]]
    return made


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    return tmp_path / "routes.json"


@pytest.fixture
def log(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'log.db'}"


def with_shadow(champion: str, shadow: str, revision: int = 1, version: str = "2", **more: Any) -> str:
    return routes_json(revision=revision, champion=champion_at(champion), shadow=a_route(version, shadow, **more))


def rows_of(url: str, table: sa.Table) -> dict[str, Any]:
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.connect() as connection:
            return {row.transaction_id: row for row in connection.execute(sa.select(table))}
    except sa.exc.DBAPIError:
        # The tables are made by the thread that first writes.
        return {}
    finally:
        engine.dispose()


def test_each_price_of_the_shadow_stands_under_the_transaction_of_the_answer(
    stub: StubModelServer, routes: Path, database_url: str
) -> None:
    with StubModelServer(dearer("2", 1.1)) as shadow:
        put(routes, with_shadow(stub.url, shadow.url))
        with serving(routes, database_url) as (process, client):
            made = ask(client)
            wait_until(lambda: outcomes(client) == {"priced": len(made)}, "they were not priced")
            deviations = figures(client, "housing_price_shadow_deviation_bucket")
            assert (deviations['{le="0.05"}'], deviations['{le="0.1"}']) == (0, len(made))
            wait_until(lambda: stored_rows(client) == [len(made)] * 2, "they were not stored")
            assert process.stop() == 0
    answered, shadowed = rows_of(database_url, prediction), rows_of(database_url, shadow_prediction)
    assert set(shadowed) == set(answered) == {one["transactionId"] for one in made}
    for transaction_id, row in shadowed.items():
        answer = answered[transaction_id]
        assert row.price_usd == pytest.approx(1.1 * answer.price_usd)
        assert row.low_usd == pytest.approx(1.1 * answer.low_usd)
        assert (row.model_name, row.model_version, row.model_id) == ("housing-price", "2", "model-2")
        assert row.shadowed_at >= answer.predicted_at
        assert answer.variant == "champion"


BEHAVIOURS: dict[str, tuple[Behaviour, set[str]]] = {
    "refuses the rows": (says(400), {"RowsRefused"}),
    "fails": (says(500), {"ModelServerFailed"}),
    "is overloaded": (says(503), {"ModelServerUnavailable"}),
    "resets": (resets_before_it_answers, {"ModelServerUnavailable"}),
    "breaks off": (closes_in_the_body, {"AnswerMalformed"}),
    "speaks something else": (speaks_no_http, {"ModelServerUnavailable"}),
    "answers NaN": (each(price=float("nan")), {"PriceImplausible"}),
    "answers nothing": (predicts(lambda _: {"predictions": []}), {"AnswerIncomplete"}),
    "answers garbage": (says(200, b"<html>"), {"AnswerMalformed"}),
    "answers something else": (predicts(lambda _: {"predictions": [None] * 1}), {"AnswerIncomplete"}),
    "answers without end": (answers_without_end, {"AnswerMalformed", "ModelServerFailed", "DeadlineExceeded"}),
}


@pytest.mark.parametrize(("behaviour", "reasons"), BEHAVIOURS.values(), ids=BEHAVIOURS.keys())
def test_a_shadow_in_trouble_is_seen_by_no_caller(
    stub: StubModelServer, routes: Path, log: str, behaviour: Behaviour, reasons: set[str]
) -> None:
    with StubModelServer(behaviour) as shadow:
        put(routes, with_shadow(stub.url, shadow.url))
        with serving(routes, log) as (process, client):
            ask(client)
            wait_until(lambda: bool(reasons & set(outcomes(client))), f"{reasons} were not counted")
            ask(client)
            assert process.stop() == 0
            # It says so once, and nothing of what the shadow said. Lines leave a moment after what they tell: all are
            # there at the end.
            assert process.output.count("shadow failing") == 1
            assert "Traceback" not in process.output


@pytest.mark.parametrize("behaviour", [hangs, hangs_in_the_body, trickles])
def test_a_shadow_that_hangs_is_seen_by_no_caller_and_holds_up_no_end(
    stub: StubModelServer, routes: Path, log: str, behaviour: Behaviour
) -> None:
    with StubModelServer(behaviour) as shadow:
        put(routes, with_shadow(stub.url, shadow.url))
        with serving(routes, log) as (process, client):
            made = ask(client)
            wait_until(lambda: len(shadow.calls) == 1, "it was not asked")
            made += ask(client)
            wait_until(lambda: bool(outcomes(client).get("DeadlineExceeded")), "its time was not over")
            ask(client)
            # One call at a time, whatever is asked.
            assert len(shadow.calls) <= 2
            assert process.stop() == 0
    assert set(rows_of(log, prediction)) >= {one["transactionId"] for one in made}
    assert rows_of(log, shadow_prediction) == {}


def test_a_shadow_that_dies_and_comes_back_is_asked_again(stub: StubModelServer, routes: Path, log: str) -> None:
    with StubModelServer(dearer("2", 1.1)) as shadow:
        put(routes, with_shadow(stub.url, shadow.url))
        with serving(routes, log) as (process, client):
            rows = len(ask(client))
            wait_until(lambda: outcomes(client) == {"priced": rows}, "they were not priced")
            shadow.goes_away()
            ask(client)
            wait_until(lambda: bool(outcomes(client).get("ModelServerUnavailable")), "nobody noticed")
            shadow.comes_back()
            ask(client, rows=1)
            wait_until(lambda: outcomes(client)["priced"] > rows, "it was not asked again")
            wait_until(lambda: "shadow recovered" in process.output, "it did not say so")


def test_what_a_hanging_shadow_leaves_waiting_is_bounded_and_the_rest_is_counted(
    stub: StubModelServer, routes: Path, log: str
) -> None:
    with StubModelServer(hangs) as shadow:
        put(routes, with_shadow(stub.url, shadow.url))
        with serving(routes, log) as (_, client):
            body = batch_bytes(houses_json(500))
            for _ in range(30):
                assert client.post(BATCH, content=body).status_code == 200
            waiting, found = figures(client, "housing_price_shadow_queued_rows")[""], outcomes(client)
            # Of each batch a hundred rows were copied.
            assert waiting <= 2_000
            assert found["dropped"] >= 30 * 100 - 2_000 - 300
            assert waiting + sum(found.values()) <= 30 * 100


def test_a_share_of_the_houses_is_copied(stub: StubModelServer, routes: Path, log: str) -> None:
    with StubModelServer(dearer("2", 1.1)) as shadow:
        put(routes, with_shadow(stub.url, shadow.url, sample=0.25))
        with serving(routes, log) as (process, client):
            for _ in range(10):
                assert client.post(BATCH, content=batch_bytes(houses_json(200))).is_success
            # A share of 0.25 of 200 rows is 50.
            wait_until(lambda: outcomes(client) == {"priced": 500}, "another number was priced")
            assert process.stop() == 0


def test_the_shadow_changes_while_requests_go_on(stub: StubModelServer, routes: Path, log: str) -> None:
    with StubModelServer(dearer("2", 1.1)) as first, StubModelServer(dearer("3", 1.2)) as second:
        put(routes, routes_json(champion=champion_at(stub.url)))
        with serving(routes, log) as (process, client):
            ask(client, rows=2)
            put(routes, with_shadow(stub.url, first.url, 2, "2"))
            copied = until_copied(client, lambda: first.calls)
            put(routes, with_shadow(stub.url, second.url, 3, "3"))
            copied += until_copied(client, lambda: second.calls)
            put(routes, routes_json(revision=4, champion=champion_at(stub.url)))
            wait_until(lambda: process.output.count('"shadow routes in use"') >= 3, "it did not follow")
            before = sum(outcomes(client).values())
            ask(client)
            assert sum(outcomes(client).values()) == before <= copied
            assert process.stop() == 0
    versions = {row.model_version for row in rows_of(log, shadow_prediction).values()}
    assert versions == {"2", "3"}


def until_copied(client: httpx.Client, calls: Callable[[], list[Any]]) -> int:
    """Ask until a shadow was asked; gives how many rows were asked about."""
    asked = 0

    def is_asked() -> bool:
        nonlocal asked
        asked += len(ask(client, rows=2))
        return bool(calls())

    wait_until(is_asked, "the shadow was not asked")
    return asked


def test_without_a_shadow_nothing_is_opened_for_one(stub: StubModelServer, routes: Path, tmp_path: Path) -> None:
    put(routes, routes_json(champion=champion_at(stub.url)))
    with serving(routes, f"sqlite:///{tmp_path / 'log.db'}") as (process, client):
        ask(client, rows=2)
        assert outcomes(client) == {}
        assert process.stop() == 0
    with closing(sqlite3.connect(tmp_path / "log.db")) as connection:
        assert connection.execute("SELECT COUNT(*) FROM shadow_prediction").fetchone() == (0,)


def test_a_shadow_that_is_nowhere_keeps_nobody_from_starting(stub: StubModelServer, routes: Path, log: str) -> None:
    with reserved_port() as port:
        put(routes, with_shadow(stub.url, f"http://127.0.0.1:{port}"))
        with serving(routes, log, ORCHESTRATOR_PREDICTION_LOG__ENABLED="false") as (process, client):
            ask(client)
            wait_until(lambda: bool(outcomes(client).get("ModelServerUnavailable")), "it was not tried")
            assert process.stop() == 0
