"""Values of callers that a database cannot process get the same answer on SQLite and Postgres, never a 5xx."""

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from factories import client_of, house_bytes, settings_for
from housing_price_orchestrator.app import create_app
from servers import StubModelServer
from waiting import wait_until

PREDICTIONS = "/api/v1/predictions"
ACTUALS = "/api/v1/price/actuals"
JOBS = "/api/v1/jobs"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One application, with log and jobs in one kind of database; the log has one row."""
    folder = tmp_path_factory.mktemp("service")
    if request.param == "sqlite":
        log_url, jobs_url = (f"sqlite:///{folder / name}" for name in ("log.db", "jobs.db"))
    else:
        log_url = jobs_url = request.getfixturevalue("postgres").new_database()
    log = {"enabled": True, "url": log_url}
    jobs = {"database_url": jobs_url, "folder": folder / "jobs"}
    with StubModelServer() as stub, client_of(create_app(settings_for(stub.url, prediction_log=log, jobs=jobs))) as api:
        priced = api.post("/api/v1/price/predict", content=house_bytes()).json()
        path = f"{PREDICTIONS}/{priced['transactionId']}"
        wait_until(lambda: api.get(path).status_code == 200, "it was not logged")
        yield api


def cursor(time: str, transaction_id: str = "0" * 32) -> str:
    return "cursor=" + base64.urlsafe_b64encode(f"{time} {transaction_id}".encode()).decode()


# Query, and the parameter that the answer names; None for a query that finds nothing or everything.
QUERIES = [
    ("requestId=%00", "requestId"),
    ("requestId=a%00b", "requestId"),
    ("requestId=%ED%A0%80", "requestId"),  # a lone surrogate
    ("requestId=%F0%9F%8F%A0", "requestId"),
    ("requestId=", "requestId"),
    ("requestId=" + "x" * 100_00, "requestId"),
    ("requestId='; DROP TABLE prediction; --", "requestId"),
    ("modelVersion=%00", "modelVersion"),
    ("modelVersion=1%00", "modelVersion"),
    ("modelVersion=%1B%5B2J", "modelVersion"),
    ("modelVersion=" + "9" * 10_000, "modelVersion"),
    ("modelVersion=%ED%A0%80", None),
    ("modelVersion=%F0%9F%8F%A0", None),
    ("modelVersion=%25_", None),
    ("from=0000-01-01T00:00:00Z", "from"),
    ("from=10000-01-01T00:00:00Z", "from"),
    ("from=-0001-01-01T00:00:00Z", "from"),
    ("from=2026-11-21T06:00:00%00Z", "from"),
    ("from=0001-01-01T00:00:00%2B23:59", None),
    ("to=9999-12-31T23:59:59.999999-23:59", None),
    ("to=2026-11-21T24:00:01Z", "to"),
    ("to=2026-11-21T06:00:00%2B99:00", "to"),
    ("limit=99999999999999999999", "limit"),
    ("limit=-1", "limit"),
    ("limit=%00", "limit"),
    (cursor("0001-01-01T00:00:00+23:59"), None),
    (cursor("9999-12-31T23:59:59-23:59"), None),
    (cursor("2026-11-21T06:00:00Z", "a\0b"), "cursor"),
    (cursor("0000-11-21T06:00:00Z"), "cursor"),
    (cursor("10000-11-21T06:00:00Z"), "cursor"),
    ("cursor=%00", "cursor"),
]


def test_a_search_is_answered_or_names_its_parameter(api: TestClient) -> None:
    for query, name in QUERIES:
        answer = api.get(f"{PREDICTIONS}?{query}")
        if name is None:
            assert answer.status_code == 200, (query, answer.text)
        else:
            assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", name]), query


@pytest.mark.parametrize("path", [PREDICTIONS, JOBS])
def test_a_path_with_an_odd_id_is_rejected(api: TestClient, path: str) -> None:
    for odd in ("\0", "a\0b", "0" * 31 + "\0", "0" * 32 + "\n", "0" * 33, "ä" * 32, "%", "0" * 10_000):
        assert api.get(f"{path}/{quote(odd, safe='')}").status_code == 422, odd


# Entry, and the last part of the place that the answer names; None for an entry that matches nothing.
ACTUAL_VALUES: list[tuple[str, str | None]] = [
    ('{"id": 9223372036854775807, "salePrice": 1}', None),
    ('{"id": 9223372036854775808, "salePrice": 1}', "id"),
    ('{"id": 1e400, "salePrice": 1}', "id"),
    ('{"id": -1, "salePrice": 1}', "id"),
    (f'{{"id": {"9" * 400}, "salePrice": 1}}', "id"),
    ('{"id": 1, "salePrice": 1e-400}', "salePrice"),
    ('{"id": 1, "salePrice": 1e308}', "salePrice"),
    ('{"id": 77, "salePrice": 1, "soldOn": "0001-01-01"}', None),
    ('{"id": 77, "salePrice": 1, "soldOn": "9999-12-31"}', None),
    ('{"id": 1, "salePrice": 1, "soldOn": "0000-12-31"}', "soldOn"),
    ('{"id": 1, "salePrice": 1, "soldOn": "10000-01-01"}', "soldOn"),
    ('{"id": 1, "salePrice": 1, "soldOn": "2026-02-30"}', "soldOn"),
    ('{"id": 1, "salePrice": 1, "soldOn": "2026-02-03\\u0000"}', "soldOn"),
    ('{"transactionId": "\\u0000", "salePrice": 1}', "transactionId"),
    (f'{{"transactionId": "{"0" * 31}\\u0000", "salePrice": 1}}', "transactionId"),
]


def test_a_sale_price_is_processed_or_its_field_is_named(api: TestClient) -> None:
    for entry, name in ACTUAL_VALUES:
        answer = api.post(ACTUALS, content=f'{{"data": [{entry}]}}', headers={"content-type": "application/json"})
        if name is None:
            assert (answer.status_code, len(answer.json()["unknown"])) == (200, 1), entry
        else:
            assert answer.status_code == 422, entry
            assert answer.json()["detail"][0]["loc"][-1] == name, entry


@pytest.mark.parametrize("sold_on", ["0001-01-01", "0999-12-31", "9999-12-31"])
def test_the_month_of_any_sale_is_reported_in_the_same_form(api: TestClient, sold_on: str) -> None:
    (logged,) = api.get(PREDICTIONS).json()["predictions"]
    one = {"transactionId": logged["transactionId"], "salePrice": 1e5, "soldOn": sold_on}
    assert api.post(ACTUALS, json={"data": [one]}).json()["stored"] == 1
    assert [error["month"] for error in api.get(f"{ACTUALS}/errors").json()["errors"]] == [sold_on[:7]]


def submit(api: TestClient, kind: str, content: str, **headers: str) -> Any:
    return api.post(f"{JOBS}/{kind}", content=content, headers={"content-type": "application/json", **headers})


def test_orders_of_jobs_are_stored_or_rejected(api: TestClient) -> None:
    order = '{"source": "csv", "data": "%s"}'
    for text in ("\\ud83c\\udfe0", "/data/ä b.csv"):
        answer = submit(api, "training", order % text)
        assert answer.status_code == 202, (text, answer.text)
        assert api.get(answer.headers["location"]).status_code == 200
    assert submit(api, "training", order % "\\ud800").status_code == 422
    nul = submit(api, "training", order % "a\\u0000b")
    assert (nul.status_code, nul.json()["detail"][0]["loc"]) == (422, ["body", "data"])
    for action in ("promote", "rollback", "shadow", "abort", "archive"):
        moved = api.post(f"/api/v1/models/2/{action}", json={"reason": "a\0b"})
        assert (moved.status_code, moved.json()["detail"][0]["loc"]) == (422, ["body", "reason"]), action
    for uri in ("s3://a/\\u0000.csv", "s3://a/\\ud800.csv", "\\u0000"):
        body = f'{{"input": "{uri}", "output": "s3://a/b.csv"}}'
        assert submit(api, "scoring", body).status_code == 422, uri
    for seed in ("1e400", str(2**64), "-1"):
        assert submit(api, "training", f'{{"seed": {seed}}}').status_code == 422, seed
    for key in ("a" * 255, "!~"):
        assert submit(api, "training", "{}", **{"Idempotency-Key": key}).status_code == 202
    for key in ("a" * 256, "", "a b", "\x1b"):
        assert submit(api, "training", "{}", **{"Idempotency-Key": key}).status_code == 422, key
    for query in ("offset=99999999999999999999", "offset=-1", "limit=9223372036854775808", "limit=%00"):
        assert api.get(f"{JOBS}?{query}").status_code == 422, query
    assert api.get(f"{JOBS}?offset=10000000").status_code == 200
