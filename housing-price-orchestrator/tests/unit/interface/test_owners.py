"""Logged houses, their sale prices and errors belong to the caller that sent them; `admin` sees all. Over HTTP."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi.testclient import TestClient

from conftest import StartApp
from factories import batch_json, bearer, house_json, houses_json, new_key
from housing_price_orchestrator.shared.access import Scope
from servers import StubModelServer, says
from tokens import AUDIENCE, ISSUER, published, token
from waiting import wait_until

BATCH = "/api/v1/price/predict/batch"
PREDICTIONS = "/api/v1/predictions"
ACTUALS = "/api/v1/price/actuals"
ERRORS = "/api/v1/price/actuals/errors"

NEVER_MADE = "0" * 32


class Caller(NamedTuple):
    """A caller of the application: a key, a token, or nobody in particular."""

    api: TestClient
    headers: dict[str, str]

    def price(self, count: int = 1, **headers: str) -> list[dict[str, Any]]:
        """Price the houses 1 to `count`, and wait until they are logged."""
        answer = self.api.post(BATCH, json=batch_json(houses_json(count)), headers={**self.headers, **headers})
        assert answer.status_code == 200, answer.text
        predictions: list[dict[str, Any]] = answer.json()["predictions"]
        last = f"{PREDICTIONS}/{predictions[-1]['transactionId']}"
        wait_until(lambda: self.get(last).status_code == 200, "it was not logged")
        return predictions

    def get(self, path: str, **query: Any) -> Any:
        return self.api.get(path, params=query, headers=self.headers)

    def found(self, **query: Any) -> set[str]:
        return {one["transactionId"] for one in self.get(PREDICTIONS, **query).json()["predictions"]}

    def report(self, *sales: dict[str, Any]) -> dict[str, Any]:
        answer = self.api.post(
            ACTUALS, json={"data": [{"salePrice": 1e5} | sale for sale in sales]}, headers=self.headers
        )
        assert answer.status_code == 200, answer.text
        receipt: dict[str, Any] = answer.json()
        return receipt

    def errors(self) -> list[tuple[int, Any]]:
        """Count and mean absolute error of each version and month."""
        return [(one["count"], one["meanAbsoluteError"]) for one in self.get(ERRORS).json()["errors"]]


type NewCaller = Callable[..., Caller]


@pytest.fixture
def new_caller(stub: StubModelServer, start_app: StartApp, tmp_path: Path, database_url: str) -> NewCaller:
    """Makes callers with keys of their own, of one application."""
    file = tmp_path / "keys.json"
    apis: list[TestClient] = []

    def make(*scopes: Scope) -> Caller:
        key = new_key(file, *scopes)
        if not apis:
            log = {"enabled": True, "url": database_url}
            apis.append(start_app(stub.url, auth={"keys_file": file}, prediction_log=log))
        headers = bearer(key)
        # The service reads a changed file within half a second.
        wait_until(lambda: apis[0].get(PREDICTIONS, headers=headers).status_code == 200, "the key is not accepted")
        return Caller(apis[0], headers)

    return make


def off_by(priced: dict[str, Any], sale_price: float) -> float:
    return abs(float(priced["predictedPrice"]) - sale_price)


def test_a_sale_price_by_house_id_is_joined_with_the_houses_of_the_same_key_only(new_caller: NewCaller) -> None:
    ann, bob, admin = new_caller("predict"), new_caller("predict"), new_caller("predict", "admin")
    (of_ann,), (of_bob,) = ann.price(), bob.price()
    assert ann.report({"id": 1, "salePrice": 100_000})["stored"] == 1
    assert bob.errors() == []
    assert ann.errors() == admin.errors() == [(1, pytest.approx(off_by(of_ann, 100_000)))]
    assert bob.report({"id": 1, "salePrice": 300_000}) == {"stored": 1, "unchanged": 0, "unknown": []}
    assert ann.errors() == [(1, pytest.approx(off_by(of_ann, 100_000)))]
    assert bob.errors() == [(1, pytest.approx(off_by(of_bob, 300_000)))]
    assert admin.errors() == [(2, pytest.approx((off_by(of_ann, 100_000) + off_by(of_bob, 300_000)) / 2))]
    # Each has reported its own price already.
    assert [one.report({"id": 1, "salePrice": price}) for one, price in ((ann, 100_000), (bob, 300_000))] == [
        {"stored": 0, "unchanged": 1, "unknown": []}
    ] * 2


def test_prices_of_every_operation_belong_to_their_caller(new_caller: NewCaller) -> None:
    ann, bob = new_caller("predict"), new_caller("predict")
    streamed = {**ann.headers, "content-type": "application/x-ndjson"}
    line = json.dumps(house_json(id=7)).encode() + b"\n"
    stream = ann.api.post("/api/v1/price/predict/stream", content=line * 3, headers=streamed).text
    single = ann.api.post("/api/v1/price/predict", json=house_json(id=8), headers=ann.headers).json()
    batch = ann.price(2)
    ids = {json.loads(one)["transactionId"] for one in stream.splitlines()}
    ids |= {one["transactionId"] for one in (single, *batch)}
    assert len(ids) == 6
    wait_until(lambda: ann.found() == ids, "not all prices are those of the caller")
    assert bob.found() == set()


def test_the_houses_of_another_key_do_not_exist(new_caller: NewCaller) -> None:
    ann, bob = new_caller("predict"), new_caller("predict")
    priced = ann.price(2, **{"x-request-id": "shared"})
    own = bob.price(1, **{"x-request-id": "shared"})
    of_ann, of_nobody = priced[1]["transactionId"], NEVER_MADE
    assert ann.report({"id": 2}, {"transactionId": of_ann})["stored"] == 2
    # House 2 was priced, and sold, by another key only; house 999 by none.
    for guesses in (({"id": 2}, {"id": 999}), ({"transactionId": of_ann}, {"transactionId": of_nobody})):
        receipt = bob.report(*guesses)
        assert (receipt["stored"], receipt["unchanged"]) == (0, 0)
        assert [one["index"] for one in receipt["unknown"]] == [0, 1]
    answers = [bob.get(f"{PREDICTIONS}/{one}") for one in (of_ann, of_nobody)]
    assert {answer.status_code for answer in answers} == {404}
    told, told_of_nobody = ({**answer.json(), "requestId": ""} for answer in answers)
    assert told == told_of_nobody
    ids = {one["transactionId"] for one in own}
    assert bob.found() == bob.found(requestId="shared") == bob.found(modelVersion=own[0]["model"]["version"]) == ids
    assert bob.errors() == []
    # Nothing of the attempts was stored.
    assert ann.errors()[0][0] == 1


@pytest.mark.full
def test_pages_of_a_caller_hold_its_own_predictions(new_caller: NewCaller) -> None:
    ann, bob, admin = new_caller("predict"), new_caller("predict"), new_caller("admin")
    of_ann, of_bob = set(), set()
    for _ in range(3):
        of_ann |= {one["transactionId"] for one in ann.price(2)}
        of_bob |= {one["transactionId"] for one in bob.price(2)}

    def ids_on_all_pages(caller: Caller) -> Iterator[str]:
        cursor: dict[str, str] = {}
        while True:
            page = caller.get(PREDICTIONS, limit=2, **cursor).json()
            yield from (one["transactionId"] for one in page["predictions"])
            if page["next"] is None:
                return
            cursor = {"cursor": page["next"]}

    for caller, expected in ((ann, of_ann), (bob, of_bob), (admin, of_ann | of_bob)):
        found = list(ids_on_all_pages(caller))
        assert (len(found), set(found)) == (len(expected), expected)


@pytest.mark.full
def test_an_administrator_reports_for_any_transaction_but_only_its_own_house_ids(new_caller: NewCaller) -> None:
    ann, admin = new_caller("predict"), new_caller("predict", "admin")
    (priced,) = ann.price()
    assert admin.report({"id": 1})["stored"] == 0
    assert admin.report({"transactionId": priced["transactionId"], "salePrice": 200_000})["stored"] == 1
    assert ann.errors() == [(1, pytest.approx(off_by(priced, 200_000)))]
    # The report counts as the owner's: repeating it changes nothing, and the owner can correct it.
    one = {"transactionId": priced["transactionId"], "salePrice": 200_000}
    assert [caller.report(one)["unchanged"] for caller in (ann, admin)] == [1, 1]
    assert ann.report(one | {"salePrice": 150_000})["stored"] == 1
    assert admin.errors() == [(1, pytest.approx(off_by(priced, 150_000)))]


@pytest.mark.full
def test_houses_priced_without_authentication_are_those_of_no_key(
    stub: StubModelServer, start_app: StartApp, new_caller: NewCaller, database_url: str
) -> None:
    anyone = Caller(start_app(stub.url, prediction_log={"enabled": True, "url": database_url}), {})
    (priced,) = anyone.price()
    assert anyone.report({"id": 1})["stored"] == 1
    ann, admin = new_caller("predict"), new_caller("predict", "admin")
    assert ann.found() == set()
    assert ann.report({"id": 1}, {"transactionId": priced["transactionId"]})["stored"] == 0
    assert ann.errors() == []
    assert admin.found() == {priced["transactionId"]}
    # A key's house 1 is another house than the one without a key, whoever reports.
    ann.price()
    assert anyone.report({"id": 1, "salePrice": 2e5})["stored"] == 1
    assert (ann.errors(), admin.errors()[0][0]) == ([], 1)


@pytest.mark.full
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_subjects_of_two_issuers_and_keys_are_different_callers(
    stub: StubModelServer, start_app: StartApp, tmp_path: Path, database_url: str
) -> None:
    file = tmp_path / "keys.json"
    key = new_key(file)
    prefix = key.split("_")[1]
    log = {"enabled": True, "url": database_url}
    other_issuer = "https://other.example"
    with StubModelServer(says(body=published("rsa"))) as provider:

        def caller(issuer: str, subject: str) -> Caller:
            tokens = {"jwks_url": f"{provider.url}/jwks", "issuer": issuer, "audience": AUDIENCE}
            api = start_app(stub.url, auth={"keys_file": file}, jwt=tokens, prediction_log=log)
            return Caller(api, bearer(token(iss=issuer, sub=subject)))

        first = caller(ISSUER, prefix)
        callers = [Caller(first.api, bearer(key)), first, caller(other_issuer, prefix), caller(ISSUER, f"jwt:{prefix}")]
        for number, one in enumerate(callers):
            (priced,) = one.price()
            assert one.found() == {priced["transactionId"]}
            assert one.report({"id": 1, "salePrice": 1e5 + number})["stored"] == 1
            assert [count for count, _ in one.errors()] == [1]
