"""The comparables model in the running application: it is optional, and its failures do not reach the prices."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import servers
from conftest import StartApp
from factories import a_route, batch_json, house, house_json, houses_json, routes_json, services_of
from housing_price_orchestrator.shared import errors
from housing_price_orchestrator.shared.ports import Comparables, ComparablesQuestion
from servers import SECRET, Behaviour, StubModelServer, each_sale, finds, reserved_port, says, slowly
from waiting import wait_until

PREDICT, MODELS = "/api/v1/price/predict", "/api/v1/models"
PROBES = {"probe_interval_seconds": 0.05}


def finds_as(model_id: str) -> Behaviour:
    """Answer in the name of another model."""
    return finds(lambda made: {"predictions": [{**one, "model_id": model_id} for one in made]})


def put(path: Path, document: str) -> None:
    """Replace a file atomically."""
    written = path.with_suffix(".new")
    written.write_text(document)
    written.replace(path)


def ask(api: TestClient, **changes: Any) -> Comparables:
    model = services_of(api).comparables
    assert model is not None
    assert api.portal is not None
    (found,) = api.portal.call(model.answer, [ComparablesQuestion(house(**changes))])
    return found


def optional_model(api: TestClient) -> dict[str, Any]:
    """The comparables model as `/readyz` reports it; the service is ready."""
    answer = api.get("/readyz")
    assert answer.status_code == 200, answer.text
    (model,) = answer.json()["optional"]
    return dict(model)


@pytest.fixture
def both(stub: StubModelServer, comparables_stub: StubModelServer, start_app: StartApp) -> TestClient:
    """A client of an application with both models, which is ready."""
    api = start_app(stub.url, comparables={"base_url": comparables_stub.url}, readiness=PROBES)
    wait_until(lambda: api.get("/readyz").status_code == 200, "it did not become ready")
    wait_until(lambda: optional_model(api)["isAnswering"], "the comparables server was not probed")
    return api


class TestReadiness:
    def test_optional_model_that_answers_is_named(self, both: TestClient) -> None:
        identity = {"name": "housing-comparables", "version": "stub-comparables-1", "id": "stub-comparables-1"}
        assert optional_model(both) == {"name": "comparables", "isAnswering": True, "model": identity, "reason": None}

    def test_service_stays_ready_without_it_and_says_why_until_it_returns(
        self, both: TestClient, comparables_stub: StubModelServer
    ) -> None:
        comparables_stub.goes_away()
        wait_until(lambda: not optional_model(both)["isAnswering"], "the failure was not seen")
        report = optional_model(both)
        assert report["reason"] in {
            "The comparables server is unreachable.",
            "Recent calls to the comparables server failed or were too slow.",
        }
        assert report["model"]["id"] == "stub-comparables-1"
        assert both.post(PREDICT, json=house_json()).status_code == 200
        comparables_stub.comes_back()
        wait_until(lambda: optional_model(both)["isAnswering"], "it did not recover")

    def test_service_is_not_ready_without_the_price_model(self, both: TestClient, stub: StubModelServer) -> None:
        stub.goes_away()
        wait_until(lambda: both.get("/readyz").status_code == 503, "the failure was not seen")
        stub.comes_back()
        wait_until(lambda: both.get("/readyz").status_code == 200, "it did not recover")

    def test_probe_is_a_real_question(self, both: TestClient, comparables_stub: StubModelServer) -> None:
        comparables_stub.behaviour = finds(lambda made: {"predictions": [{**one, "sales": []} for one in made]})
        wait_until(lambda: not optional_model(both)["isAnswering"], "nonsense was taken for an answer")
        assert optional_model(both)["reason"] == "The comparables server returned implausible sales."
        assert {call.headers["x-request-id"] for call in comparables_stub.calls} == {"readiness"}

    def test_without_an_address_there_is_no_optional_model(self, api: TestClient) -> None:
        wait_until(lambda: api.get("/readyz").status_code == 200, "it did not become ready")
        assert api.get("/readyz").json()["optional"] == []
        assert services_of(api).comparables is None
        assert api.get(MODELS).json()["comparables"] is None
        assert 'model="comparables"' not in api.get("/metrics").text


def test_models_in_service_include_the_comparables_model(both: TestClient, comparables_stub: StubModelServer) -> None:
    assert both.get(MODELS).json()["comparables"] == {
        "version": "stub-comparables-1",
        "modelId": "stub-comparables-1",
        "isAnswering": True,
        "addresses": [comparables_stub.url],
    }


def test_credentials_in_an_address_are_not_shown(
    stub: StubModelServer, comparables_stub: StubModelServer, start_app: StartApp
) -> None:
    address = comparables_stub.url.replace("//", "//user:password@")
    api = start_app(stub.url, comparables={"base_url": address}, readiness=PROBES)
    wait_until(lambda: api.get("/readyz").status_code == 200, "it did not become ready")
    ask(api)
    assert comparables_stub.calls[-1].headers["authorization"] == "Basic dXNlcjpwYXNzd29yZA=="
    assert api.get(MODELS).json()["comparables"]["addresses"] == [comparables_stub.url]
    assert "password" not in api.get("/metrics").text


def test_several_addresses_share_the_work(
    stub: StubModelServer, comparables_stub: StubModelServer, start_app: StartApp
) -> None:
    with StubModelServer(finds()) as other:
        api = start_app(stub.url, comparables={"base_url": f"{comparables_stub.url},{other.url}"})
        comparables_stub.goes_away()
        for number in range(5):
            assert len(ask(api, lotArea=5_000 + number).sales) == 6
        comparables_stub.comes_back()


def samples_of(api: TestClient, name: str) -> dict[str, float]:
    """The series of a metric, by the text of their labels."""
    lines = [line for line in api.get("/metrics").text.splitlines() if line.startswith(name)]
    return {labels: float(value) for labels, _, value in (line.removeprefix(name).rpartition(" ") for line in lines)}


def parts_of(api: TestClient) -> dict[str, float]:
    """Return the number of parts of valuations by outcome."""
    return {labels: count for labels, count in samples_of(api, "housing_price_valuation_parts_total").items() if count}


def test_parts_of_valuations_are_counted_by_outcome(both: TestClient, comparables_stub: StubModelServer) -> None:
    assert parts_of(both) == {}
    assert both.post("/api/v1/valuation", json=house_json()).status_code == 200
    assert both.post("/api/v1/valuation/batch?include=", json=batch_json(houses_json(3))).status_code == 200
    answered = {
        '{outcome="answered",part="comparables"}': 4.0,
        '{outcome="answered",part="explanation"}': 1.0,
    }
    assert parts_of(both) == answered
    comparables_stub.behaviour = says(200, b"nonsense")
    assert both.post("/api/v1/valuation?include=comparables", json=house_json()).status_code == 200
    (failed,) = parts_of(both).keys() - answered.keys()
    # The circuit may have opened meanwhile.
    assert failed in {f'{{outcome="{name}",part="comparables"}}' for name in ("AnswerMalformed", "CircuitOpen")}
    assert {labels: parts_of(both)[labels] for labels in answered} == answered
    # The price is required: a request without one has no parts.
    assert both.post("/api/v1/valuation", json=house_json(lotArea="x")).status_code == 422
    assert sum(parts_of(both).values()) == 6


def test_each_model_has_its_own_series(both: TestClient, comparables_stub: StubModelServer) -> None:
    both.post(PREDICT, json=house_json())
    ask(both)
    ask(both)
    rows = samples_of(both, "housing_price_model_call_rows_sum")
    assert rows == {'{model="price"}': 1, '{model="comparables"}': 2}
    calls = samples_of(both, "housing_price_model_call_duration_seconds_count")
    assert calls == {'{model="price",outcome="priced"}': 1, '{model="comparables",outcome="priced"}': 2}
    for name in ("calls_in_flight", "call_retries_total", "call_retries_refused_total"):
        assert samples_of(both, f"housing_price_model_{name}") == {'{model="price"}': 0, '{model="comparables"}': 0}
    for name in ("waiting_requests", "waiting_rows"):
        assert samples_of(both, f"housing_price_{name}") == {'{model="price"}': 0, '{model="comparables"}': 0}
    assert samples_of(both, "housing_price_model_ready") == {'{model="price"}': 1, '{model="comparables"}': 1}
    states = samples_of(both, "housing_price_circuit_state")
    assert states[f'{{address="{comparables_stub.url}",model="comparables",state="closed"}}'] == 1
    assert len(samples_of(both, "housing_price_model_info")) == 2


FAILURES: dict[str, tuple[Behaviour, type[errors.HousingPriceError]]] = {
    "refusing calls": (says(503), errors.ModelServerUnavailable),
    "reset before it answers": (servers.resets_before_it_answers, errors.ModelServerUnavailable),
    "frozen": (servers.hangs, errors.DeadlineExceeded),
    "frozen in the answer": (servers.hangs_in_the_body, errors.DeadlineExceeded),
    "slow": (slowly(20, finds()), errors.DeadlineExceeded),
    "failing": (says(500, SECRET.encode()), errors.ModelServerFailed),
    "rejecting the rows": (says(400, SECRET.encode()), errors.RowsRefused),
    "a page": (says(200, b"<html>", content_type="text/html"), errors.AnswerMalformed),
    "one answer too many": (finds(lambda made: {"predictions": made * 2}), errors.AnswerIncomplete),
    "prices": (servers.predicts(), errors.ComparablesImplausible),
    "nonsense": (each_sale(price=-1.0), errors.ComparablesImplausible),
}


@pytest.mark.parametrize("name", FAILURES)
def test_each_failure_has_a_name_and_prices_go_on(
    name: str, stub: StubModelServer, comparables_stub: StubModelServer, start_app: StartApp
) -> None:
    behaviour, expected = FAILURES[name]
    api = start_app(
        stub.url,
        comparables={"base_url": comparables_stub.url, "deadline_seconds": 0.3},
        circuit={"max_failures": 1_000, "max_slow_calls": 1_000},
    )
    comparables_stub.behaviour = behaviour
    with pytest.raises(expected) as raised:
        ask(api)
    assert SECRET not in str(raised.value)
    assert api.post(PREDICT, json=house_json()).status_code == 200
    comparables_stub.behaviour = finds()
    assert len(ask(api).sales) == 6


def test_a_server_that_refuses_connections_is_unavailable(stub: StubModelServer, start_app: StartApp) -> None:
    with reserved_port() as port:
        api = start_app(stub.url, comparables={"base_url": f"http://127.0.0.1:{port}"})
        with pytest.raises(errors.ModelServerUnavailable):
            ask(api)
        assert api.post(PREDICT, json=house_json()).status_code == 200


def test_frozen_server_is_not_called_after_two_slow_calls_until_it_answers_a_probe(
    stub: StubModelServer, comparables_stub: StubModelServer, start_app: StartApp
) -> None:
    api = start_app(stub.url, comparables={"base_url": comparables_stub.url, "deadline_seconds": 0.2})
    ask(api)
    comparables_stub.behaviour = servers.hangs

    def is_refused_at_once() -> bool:
        started_at = time.monotonic()
        with pytest.raises((errors.DeadlineExceeded, errors.CircuitOpen)) as raised:
            ask(api)
        return raised.type is errors.CircuitOpen and time.monotonic() - started_at < 0.2

    wait_until(is_refused_at_once, "the circuit did not open")
    # The circuit of the price model is another.
    assert api.post(PREDICT, json=house_json()).status_code == 200
    opened = samples_of(api, "housing_price_circuit_opened_total")
    assert opened[f'{{address="{comparables_stub.url}",model="comparables"}}'] == 1
    assert opened[f'{{address="{stub.url}",model="price"}}'] == 0
    comparables_stub.behaviour = finds()

    def answers() -> bool:
        try:
            return len(ask(api).sales) == 6
        except errors.CircuitOpen:
            return False

    wait_until(answers, "it did not recover")


def test_questions_of_the_same_moment_share_calls(
    stub: StubModelServer, comparables_stub: StubModelServer, start_app: StartApp
) -> None:
    api = start_app(stub.url, comparables={"base_url": comparables_stub.url})
    model = services_of(api).comparables
    assert model is not None
    assert api.portal is not None

    async def ask_together() -> list[Any]:
        asked = [[ComparablesQuestion(house(lotArea=5_000 + number))] for number in range(40)]
        return await asyncio.gather(*map(model.answer, asked))

    wait_until(lambda: len(comparables_stub.calls) == 1, "the probe was not sent")
    answers = api.portal.call(ask_together)
    assert len({found.sales[0].id for (found,) in answers}) > 30
    assert len(comparables_stub.calls) < 10
    for number, (found,) in enumerate(answers):
        assert found == ask(api, lotArea=5_000 + number)


class TestRoutes:
    """The comparables model follows a routes file of its own."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "routes.json"

    def start(self, stub: StubModelServer, start_app: StartApp, url: str, path: Path) -> TestClient:
        api = start_app(stub.url, comparables={"base_url": url, "routes_file": path}, readiness=PROBES)
        wait_until(lambda: api.get("/readyz").status_code == 200, "it did not become ready")
        return api

    def test_configured_address_applies_until_there_is_a_file(
        self, stub: StubModelServer, comparables_stub: StubModelServer, start_app: StartApp, path: Path
    ) -> None:
        api = self.start(stub, start_app, comparables_stub.url, path)
        assert len(ask(api).sales) == 6
        with StubModelServer(finds_as("model-2")) as other:
            put(path, routes_json(champion=a_route("2", other.url)))
            wait_until(lambda: ask(api).model.id == "model-2", "the routes were not followed")
            wait_until(lambda: optional_model(api)["model"]["id"] == "model-2", "the other model was not probed")
            assert api.get(MODELS).json()["comparables"]["addresses"] == [other.url]

    def test_file_applies_from_the_start(
        self, stub: StubModelServer, comparables_stub: StubModelServer, start_app: StartApp, path: Path
    ) -> None:
        with StubModelServer(finds_as("model-2")) as other:
            put(path, routes_json(champion=a_route("2", other.url)))
            api = self.start(stub, start_app, comparables_stub.url, path)
            assert ask(api).model.id == "model-2"
            assert not comparables_stub.calls

    def test_champion_is_exchanged_and_no_question_fails(
        self, stub: StubModelServer, comparables_stub: StubModelServer, start_app: StartApp, path: Path
    ) -> None:
        comparables_stub.behaviour = slowly(0.05, finds())
        api = self.start(stub, start_app, comparables_stub.url, path)
        model = services_of(api).comparables
        assert model is not None
        assert api.portal is not None
        seen: list[str] = []

        async def ask_until_exchanged() -> None:
            async with asyncio.timeout(30):
                while "model-2" not in seen[-3:]:
                    for (found,) in await asyncio.gather(
                        *(model.answer([ComparablesQuestion(house())]) for _ in range(4))
                    ):
                        seen.append(found.model.id)

        with StubModelServer(finds_as("model-2")) as other:
            ask(api)
            put(path, routes_json(champion=a_route("2", other.url)))
            api.portal.call(ask_until_exchanged)
            assert set(seen) == {"stub-comparables-1", "model-2"}
            old = f'address="{comparables_stub.url}"'
            states = "housing_price_circuit_state"
            wait_until(lambda: not [one for one in samples_of(api, states) if old in one], "the old one was not closed")
            comparables_stub.goes_away()
            assert ask(api).model.id == "model-2"
            comparables_stub.comes_back()

    def test_champion_that_does_not_answer_does_not_take_over(
        self, stub: StubModelServer, comparables_stub: StubModelServer, start_app: StartApp, path: Path
    ) -> None:
        api = self.start(stub, start_app, comparables_stub.url, path)
        wait_until(lambda: optional_model(api)["isAnswering"], "the comparables server was not probed")
        with StubModelServer(finds_as("another")) as other:
            put(path, routes_json(champion=a_route("2", other.url)))
            wait_until(lambda: len(other.calls) > 1, "the new server was not probed")
            assert ask(api).model.id == "stub-comparables-1"
            # It names another model than the routes do.
            other.behaviour = finds_as("model-2")
            wait_until(lambda: ask(api).model.id == "model-2", "it did not take over")

    def test_broken_file_changes_nothing(
        self, stub: StubModelServer, comparables_stub: StubModelServer, start_app: StartApp, path: Path
    ) -> None:
        put(path, "{")
        api = self.start(stub, start_app, comparables_stub.url, path)
        assert len(ask(api).sales) == 6
