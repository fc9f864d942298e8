"""Searching logged predictions and comparing them with actual sale prices, over HTTP."""

import base64
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from conftest import StartApp
from factories import batch_json, bearer, client_of, house_json, houses_json, new_key, settings_for
from housing_price_orchestrator.app import create_app
from housing_price_orchestrator.interface.operations.predictions import _valuation
from housing_price_orchestrator.shared.access import Scope
from housing_price_orchestrator.shared.ports import ValuationRecord
from housing_price_orchestrator.shared.view.house import House
from housing_price_orchestrator.shared.view.logged import LoggedPrice
from housing_price_survey.ratio_study import ratio_study
from servers import StubModelServer, each, predicts, says
from waiting import wait_until

PREDICT = "/api/v1/price/predict"
BATCH = "/api/v1/price/predict/batch"
PREDICTIONS = "/api/v1/predictions"
ACTUALS = "/api/v1/price/actuals"
ERRORS = "/api/v1/price/actuals/errors"

NEVER_MADE = "0" * 32


@pytest.fixture
def api(stub: StubModelServer, start_app: StartApp, database_url: str) -> TestClient:
    return start_app(stub.url, prediction_log={"enabled": True, "url": database_url})


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared_api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One application shared by the tests that do not depend on other rows of the log."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('log') / 'log.db'}"
    else:
        url = request.getfixturevalue("postgres").new_database()
    log = {"enabled": True, "url": url}
    with StubModelServer() as stub, client_of(create_app(settings_for(stub.url, prediction_log=log))) as api:
        yield api


@pytest.fixture(scope="module")
def sqlite_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One application shared by the tests of requests that are rejected before the log is queried."""
    log = {"enabled": True, "url": f"sqlite:///{tmp_path_factory.mktemp('log') / 'log.db'}"}
    with StubModelServer() as stub, client_of(create_app(settings_for(stub.url, prediction_log=log))) as api:
        yield api


type StartGuarded = Callable[..., tuple[TestClient, str]]


@pytest.fixture
def guarded(stub: StubModelServer, start_app: StartApp, tmp_path: Path) -> StartGuarded:
    """Start the application with a key that has some scopes; `guarded("admin")` returns both."""

    def start(*scopes: Scope) -> tuple[TestClient, str]:
        file = tmp_path / "keys.json"
        key = new_key(file, *scopes)
        log = {"enabled": True, "url": f"sqlite:///{tmp_path / 'log.db'}"}
        return start_app(stub.url, auth={"keys_file": file}, prediction_log=log), key

    return start


def price_houses(api: TestClient, count: int, **headers: str) -> list[dict[str, Any]]:
    """Price `count` houses, and wait until they are logged."""
    predictions: list[dict[str, Any]] = api.post(BATCH, json=batch_json(houses_json(count)), headers=headers).json()[
        "predictions"
    ]
    last = predictions[-1]["transactionId"]
    wait_until(lambda: api.get(f"{PREDICTIONS}/{last}").status_code == 200, "it was not logged")
    return predictions


def pages(api: TestClient, **query: Any) -> list[list[dict[str, Any]]]:
    """Return the predictions of all pages."""
    found = []
    while True:
        page = api.get(PREDICTIONS, params=query).json()
        found.append(page["predictions"])
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


def ids_of(predictions: list[dict[str, Any]]) -> list[str]:
    return [one["transactionId"] for one in predictions]


def test_a_prediction_is_found_by_its_transaction_id_unchanged(shared_api: TestClient) -> None:
    before = datetime.now(UTC)
    asked = house_json(id=2**63 - 1, lotArea=8450.25, alley=None)
    answer = shared_api.post(PREDICT, json=asked, headers={"x-request-id": "caller-1"})
    priced = answer.json()
    path = f"{PREDICTIONS}/{priced['transactionId']}"
    wait_until(lambda: shared_api.get(path).status_code == 200, "it was not logged")
    logged = shared_api.get(path).json()
    at = datetime.fromisoformat(logged.pop("predictedAt"))
    assert before - timedelta(milliseconds=2) <= at <= datetime.now(UTC)
    assert House.model_validate(logged.pop("house")) == House.model_validate(asked)
    assert logged == {
        "transactionId": priced["transactionId"],
        "requestId": "caller-1",
        "keyId": None,
        "predictedPrice": priced["predictedPrice"],
        "priceInterval": priced["priceInterval"],
        "model": priced["model"],
        "source": "model",
        "degraded": False,
        "variant": "champion",
        "valuation": None,
    }


VALUATION, VALUATION_BATCH = "/api/v1/valuation", "/api/v1/valuation/batch"


@pytest.fixture(params=["sqlite", "postgres"])
def valuing(
    request: pytest.FixtureRequest,
    stub: StubModelServer,
    comparables_stub: StubModelServer,
    start_app: StartApp,
    tmp_path: Path,
) -> TestClient:
    """An application with a log and both models."""
    url = f"sqlite:///{tmp_path / 'log.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres").new_database()
    comparables = {"base_url": comparables_stub.url}
    return start_app(stub.url, comparables=comparables, prediction_log={"enabled": True, "url": url})


def logged_valuation(api: TestClient, transaction_id: str) -> dict[str, Any]:
    path = f"{PREDICTIONS}/{transaction_id}"
    wait_until(lambda: api.get(path).status_code == 200, "it was not logged")
    logged = api.get(path).json()
    LoggedPrice.model_validate_json(api.get(path).content)
    (searched,) = pages(api, requestId=logged["requestId"])[0]
    assert searched == logged
    return dict(logged["valuation"])


def test_a_valuation_is_found_by_its_transaction_id_unchanged(valuing: TestClient) -> None:
    returned = valuing.post(VALUATION, json=house_json()).json()
    assert logged_valuation(valuing, returned["transactionId"]) == {
        "value": returned["value"],
        "parts": ["price", "comparables", "explanation"],
        "comparables": {
            "sales": [sale["id"] for sale in returned["comparables"]["sales"]],
            "model": returned["comparables"]["model"],
        },
        "problems": [],
    }


def test_a_logged_valuation_names_the_parts_that_failed(valuing: TestClient, comparables_stub: StubModelServer) -> None:
    comparables_stub.behaviour = says(200, b"nonsense")
    returned = valuing.post(VALUATION, json=house_json(), params={"include": "comparables"}).json()
    (problem,) = returned["problems"]
    assert logged_valuation(valuing, returned["transactionId"]) == {
        "value": returned["value"],
        "parts": ["price"],
        "comparables": None,
        "problems": [{key: problem[key] for key in ("part", "type", "title")}],
    }


def test_valuations_of_a_batch_are_found_each_with_its_own_value(valuing: TestClient) -> None:
    valuations = valuing.post(VALUATION_BATCH, json=batch_json(houses_json(3))).json()["valuations"]
    last = valuations[-1]["transactionId"]
    wait_until(lambda: valuing.get(f"{PREDICTIONS}/{last}").status_code == 200, "they were not logged")
    ((*found,),) = pages(valuing)
    assert [one["valuation"]["value"] for one in found[::-1]] == [one["value"] for one in valuations]


def test_problems_of_earlier_releases_have_a_general_type() -> None:
    """The class of an error may have been renamed since it was logged."""
    record = ValuationRecord("price", 1.0, 1.0, 1.0, None, ("price",), {"comparables": "NoSuchError"}, None, ())
    (problem,) = _valuation(record)["problems"]
    assert problem["type"] == "urn:housing-price:problem:internal-error"


def test_a_logged_house_can_be_sent_again(shared_api: TestClient) -> None:
    (priced,) = price_houses(shared_api, 1)
    house = shared_api.get(f"{PREDICTIONS}/{priced['transactionId']}").json()["house"]
    assert house.keys() == {field.alias for field in House.model_fields.values()}
    again = shared_api.post(PREDICT, json=house).json()
    assert again["predictedPrice"] == priced["predictedPrice"]


def test_predictions_of_a_request_are_found_newest_first(shared_api: TestClient) -> None:
    price_houses(shared_api, 3)
    wanted = price_houses(shared_api, 5, **{"x-request-id": "mine"})
    (found,) = pages(shared_api, requestId="mine")
    assert ids_of(found) == ids_of(wanted)[::-1]
    assert {one["requestId"] for one in found} == {"mine"}


def test_pages_contain_each_prediction_once(api: TestClient) -> None:
    wanted = price_houses(api, 4) + price_houses(api, 3)
    for limit in (1, 2, 3, 7, 8):
        found = pages(api, limit=limit)
        assert all(len(page) <= limit for page in found), limit
        assert [one for page in found for one in ids_of(page)] == ids_of(wanted)[::-1], limit


def test_predictions_are_found_by_model_version(api: TestClient, stub: StubModelServer) -> None:
    stub.behaviour = predicts(x_model_version="1")
    first = price_houses(api, 2)
    stub.behaviour = predicts(x_model_version="2")
    second = price_houses(api, 2)
    for version, wanted in (("1", first), ("2", second)):
        (found,) = pages(api, modelVersion=version)
        assert ids_of(found) == ids_of(wanted)[::-1]
    assert pages(api, modelVersion="3") == [[]]


def test_predictions_are_found_by_time(api: TestClient) -> None:
    first = price_houses(api, 2)
    between = api.get(f"{PREDICTIONS}/{price_houses(api, 1)[0]['transactionId']}").json()["predictedAt"]
    (found,) = pages(api, to=between)
    assert ids_of(found) == ids_of(first)[::-1]
    (found,) = pages(api, **{"from": between})
    assert len(found) == 1
    assert pages(api, **{"from": between, "to": between}) == [[]]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("from=yesterday", "from"),
        ("from=2026-11-21T06:00:00", "from"),
        ("from=947", "from"),
        ("to=0.0", "to"),
        ("to=2026-13-01T00:00:00Z", "to"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=", "cursor"),
        ("cursor=%F0%9F%8F%A0", "cursor"),
        ("cursor=MjAyNg==", "cursor"),
        ("requestId=" + "x" * 65, "requestId"),
        ("colour=red", "colour"),
    ],
)
def test_an_invalid_parameter_is_rejected_by_name(sqlite_api: TestClient, query: str, name: str) -> None:
    answer = sqlite_api.get(f"{PREDICTIONS}?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", name]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_any_time_is_accepted(shared_api: TestClient, moment: str) -> None:
    price_houses(shared_api, 1)
    cursor = base64.urlsafe_b64encode(f"{moment} {NEVER_MADE}".encode()).decode()
    for query in ({"from": moment}, {"to": moment}, {"cursor": cursor}):
        assert shared_api.get(PREDICTIONS, params=query).status_code == 200


def test_an_unknown_transaction_is_a_404(shared_api: TestClient) -> None:
    price_houses(shared_api, 1)
    answer = shared_api.get(f"{PREDICTIONS}/{NEVER_MADE}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:housing-price:problem:prediction-unknown"
    assert shared_api.get(f"{PREDICTIONS}/nonsense").status_code == 422


OPERATIONS: dict[str, Callable[[TestClient], Any]] = {
    "find": lambda api: api.get(PREDICTIONS),
    "get": lambda api: api.get(f"{PREDICTIONS}/{NEVER_MADE}"),
    "actuals": lambda api: api.post(ACTUALS, json={"data": [{"id": 1, "salePrice": 1e5}]}),
    "errors": lambda api: api.get(ERRORS),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_without_a_log_every_operation_is_a_404(stub: StubModelServer, start_app: StartApp, operation: str) -> None:
    answer = OPERATIONS[operation](start_app(stub.url))
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:housing-price:problem:prediction-log-off"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_while_the_log_is_unavailable_every_operation_is_a_503(
    stub: StubModelServer, start_app: StartApp, tmp_path: Path, operation: str
) -> None:
    api = start_app(stub.url, prediction_log={"enabled": True, "url": f"sqlite:///{tmp_path / 'nowhere' / 'log.db'}"})
    answer = OPERATIONS[operation](api)
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:housing-price:problem:prediction-log-unavailable"
    assert "nowhere" not in answer.text
    assert int(answer.headers["retry-after"]) >= 1


def test_while_the_log_is_unavailable_houses_are_still_priced(
    stub: StubModelServer, start_app: StartApp, tmp_path: Path
) -> None:
    folder = tmp_path / "later"
    api = start_app(stub.url, prediction_log={"enabled": True, "url": f"sqlite:///{folder / 'log.db'}"})
    answer = api.post(PREDICT, json=house_json())
    assert answer.status_code == 200
    folder.mkdir()
    path = f"{PREDICTIONS}/{answer.json()['transactionId']}"
    wait_until(lambda: api.get(path).status_code == 200, "it was not logged")


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [("admin", {"find", "get", "errors"}), ("predict", {"find", "get", "errors", "actuals"}), ("jobs", set())],
)
def test_each_operation_requires_its_scope(guarded: StartGuarded, scope: Scope, allowed: set[str]) -> None:
    api, key = guarded(scope)
    assert all(operation(api).status_code == 401 for operation in OPERATIONS.values())
    api.headers.update(bearer(key))
    refused = {name for name, operation in OPERATIONS.items() if operation(api).status_code == 403}
    assert refused == OPERATIONS.keys() - allowed


def test_the_key_of_a_request_is_logged_by_its_public_part(guarded: StartGuarded) -> None:
    api, key = guarded("predict", "admin")
    api.headers.update(bearer(key))
    (priced,) = price_houses(api, 1)
    key_id = api.get(f"{PREDICTIONS}/{priced['transactionId']}").json()["keyId"]
    assert key_id
    assert key_id in key
    assert len(key_id) < len(key) / 2


def report_sales(api: TestClient, *actuals: dict[str, Any]) -> dict[str, Any]:
    answer = api.post(ACTUALS, json={"data": actuals})
    assert answer.status_code == 200, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


def test_repeating_a_sale_price_changes_nothing_and_another_price_replaces_it(api: TestClient) -> None:
    (priced,) = price_houses(api, 1)
    one = {"transactionId": priced["transactionId"], "salePrice": 100_000, "soldOn": "2026-11-21"}
    assert report_sales(api, one) == {"stored": 1, "unchanged": 0, "unknown": []}
    assert report_sales(api, one, one) == {"stored": 0, "unchanged": 2, "unknown": []}
    corrected = one | {"salePrice": priced["predictedPrice"]}
    assert report_sales(api, corrected) == {"stored": 1, "unchanged": 0, "unknown": []}
    (error,) = api.get(ERRORS).json()["errors"]
    assert (error["count"], error["meanAbsoluteError"], error["rmsle"]) == (1, 0, 0)


def test_unknown_sale_prices_are_listed_by_index_and_the_others_are_stored(shared_api: TestClient) -> None:
    priced = price_houses(shared_api, 2)
    receipt = report_sales(
        shared_api,
        {"transactionId": NEVER_MADE, "salePrice": 1.0},
        {"transactionId": priced[0]["transactionId"], "salePrice": 1.0},
        {"id": 999, "salePrice": 1.0},
        {"id": 2, "salePrice": 1.0},
    )
    assert receipt == {
        "stored": 2,
        "unchanged": 0,
        "unknown": [
            {"index": 0, "transactionId": NEVER_MADE, "id": None},
            {"index": 2, "transactionId": None, "id": 999},
        ],
    }


@pytest.mark.full
def test_ten_thousand_sale_prices_are_accepted_in_one_request(api: TestClient) -> None:
    priced = price_houses(api, 10_000)
    receipt = report_sales(api, *({"transactionId": one["transactionId"], "salePrice": 1e5} for one in priced))
    assert receipt == {"stored": 10_000, "unchanged": 0, "unknown": []}
    (error,) = api.get(ERRORS).json()["errors"]
    assert error["count"] == 10_000
    (study,) = api.get(ERRORS).json()["studies"]
    assert study["allSales"]["sales"] == 10_000


def test_realised_error_is_reported_by_version_and_month(api: TestClient, stub: StubModelServer) -> None:
    stub.behaviour = predicts(x_model_version="1")
    first = price_houses(api, 3)
    stub.behaviour = predicts(x_model_version="2")
    second = price_houses(api, 1)
    factors = [0.9, 1.1, 2.0]
    report_sales(
        api,
        *(
            {"transactionId": one["transactionId"], "salePrice": factor * one["predictedPrice"], "soldOn": "2026-10-31"}
            for one, factor in zip(first, factors, strict=True)
        ),
        {"transactionId": second[0]["transactionId"], "salePrice": 1e5, "soldOn": "2026-11-01"},
    )
    october, november = api.get(ERRORS).json()["errors"]
    assert (october["modelVersion"], october["month"], october["count"]) == ("1", "2026-10", 3)
    assert (november["modelVersion"], november["month"], november["count"]) == ("2", "2026-11", 1)
    off = [abs(factor - 1) * one["predictedPrice"] for one, factor in zip(first, factors, strict=True)]
    assert october["meanAbsoluteError"] == pytest.approx(sum(off) / 3)
    assert october["rmsle"] == pytest.approx(math.sqrt(sum(math.log(one) ** 2 for one in factors) / 3))
    # The stub's interval is from 0.8 to 1.25 times the price.
    assert october["coverage"] == pytest.approx(2 / 3)


def test_a_ratio_study_of_each_version_tells_sales_at_arms_length_apart(api: TestClient, stub: StubModelServer) -> None:
    houses = [house_json(id=number + 1, saleCondition="Normal" if number < 12 else "Family") for number in range(16)]
    stub.behaviour = predicts(x_model_version="1")
    predictions = api.post(BATCH, json=batch_json(houses)).json()["predictions"]
    wait_until(
        lambda: api.get(f"{PREDICTIONS}/{predictions[-1]['transactionId']}").status_code == 200, "it was not logged"
    )
    # Ratios from 0.80 to 1.02 at arm's length, and 2 otherwise.
    ratios = [0.80 + number / 50 if number < 12 else 2.0 for number in range(16)]
    prices = [one["predictedPrice"] / ratio for one, ratio in zip(predictions, ratios, strict=True)]
    report_sales(
        api,
        *(
            {"transactionId": one["transactionId"], "salePrice": price}
            for one, price in zip(predictions, prices, strict=True)
        ),
    )
    (study,) = api.get(ERRORS).json()["studies"]
    assert (study["modelName"], study["modelVersion"]) == ("housing-price", "1")
    everything, normal = study["allSales"], study["armsLength"]
    assert (everything["sales"], normal["sales"]) == (16, 12)
    assert everything["medianRatio"]["value"] == pytest.approx(0.95)
    assert normal["medianRatio"]["value"] == pytest.approx(0.91)
    # Deviations 0.11 0.09 0.07 0.05 0.03 0.01, twice: their mean is 0.06.
    assert normal["cod"]["value"] == pytest.approx(100 * 0.06 / 0.91)
    assert normal["cod"]["low"] < normal["cod"]["value"] < normal["cod"]["high"]
    expected = ratio_study([one["predictedPrice"] for one in predictions[:12]], prices[:12])
    assert expected.prb is not None
    assert normal["prd"] == pytest.approx(asdict(expected.prd))
    assert normal["prb"] == pytest.approx(asdict(expected.prb))
    assert (normal["within5"], normal["within10"]) == pytest.approx((expected.within_5, expected.within_10))
    assert normal["forecastStandardDeviation"] == pytest.approx(expected.forecast_standard_deviation)


def test_without_sales_at_arms_length_their_study_is_null(api: TestClient) -> None:
    answer = api.post(PREDICT, json=house_json(saleCondition="Abnorml")).json()
    wait_until(lambda: api.get(f"{PREDICTIONS}/{answer['transactionId']}").status_code == 200, "it was not logged")
    report_sales(api, {"transactionId": answer["transactionId"], "salePrice": answer["predictedPrice"]})
    (study,) = api.get(ERRORS).json()["studies"]
    assert study["armsLength"] is None
    assert study["allSales"]["medianRatio"] == {"value": 1.0, "low": None, "high": None}


def test_a_log_without_sales_has_no_studies(api: TestClient) -> None:
    price_houses(api, 1)
    assert api.get(ERRORS).json() == {"errors": [], "studies": []}


def test_a_sale_price_by_house_id_matches_the_latest_prediction_of_each_model(
    api: TestClient, stub: StubModelServer
) -> None:
    for model in ("a", "b"):
        stub.behaviour = each(model_id=model)
        price_houses(api, 1)
        last = price_houses(api, 1)
    report_sales(api, {"id": 1, "salePrice": 50_000, "soldOn": "2026-11-01"})
    assert [(one["modelVersion"], one["count"]) for one in api.get(ERRORS).json()["errors"]] == [("a", 1), ("b", 1)]
    # A sale price by transaction id takes precedence over one by house id, and is not counted twice.
    report_sales(
        api, {"transactionId": last[0]["transactionId"], "salePrice": last[0]["predictedPrice"], "soldOn": "2026-11-02"}
    )
    a, b = api.get(ERRORS).json()["errors"]
    assert (a["count"], b["count"], b["meanAbsoluteError"]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("document", "loc"),
    [
        ({}, ["body", "data"]),
        ({"data": []}, ["body", "data"]),
        ({"data": [{"id": 1}]}, ["body", "data", 0, "salePrice"]),
        ({"data": [{"id": 1, "salePrice": "100"}]}, ["body", "data", 0, "salePrice"]),
        ({"data": [{"id": 1, "salePrice": 0}]}, ["body", "data", 0, "salePrice"]),
        ({"data": [{"salePrice": 1}]}, ["body", "data", 0]),
        ({"data": [{"id": 1, "transactionId": NEVER_MADE, "salePrice": 1}]}, ["body", "data", 0]),
        ({"data": [{"transactionId": "x", "salePrice": 1}]}, ["body", "data", 0, "transactionId"]),
        ({"data": [{"id": 1, "salePrice": 1, "soldOn": "yesterday"}]}, ["body", "data", 0, "soldOn"]),
        ({"data": [{"id": 1, "salePrice": 1, "soldOn": 20000}]}, ["body", "data", 0, "soldOn"]),
        ({"data": [{"id": 1, "salePrice": 1, "colour": "red"}]}, ["body", "data", 0, "colour"]),
        ({"data": [{"id": 1, "salePrice": 1}] * 10_001}, ["body", "data"]),
    ],
)
def test_an_invalid_sale_price_is_rejected_by_name(sqlite_api: TestClient, document: Any, loc: list[Any]) -> None:
    answer = sqlite_api.post(ACTUALS, json=document)
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"][0]["loc"] == loc


@pytest.mark.parametrize(
    "body", [b"", b"x", b"\xff", b'{"data": [], "data": []}', b'{"data":[{"id":1,"salePrice":NaN}]}', b"[" * 20_000]
)
def test_malformed_json_is_rejected(sqlite_api: TestClient, body: bytes) -> None:
    answer = sqlite_api.post(ACTUALS, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["detail"]
