"""`/readyz` says why an optional model does not answer, in words about that model."""

import pytest
from fastapi.testclient import TestClient

from conftest import StartApp
from factories import house, services_of
from fakes import FakeComparablesModel
from housing_price_orchestrator.interface.operations.health import REASONS
from housing_price_orchestrator.service.readiness import AnyProbe, ModelProbe, Readiness
from housing_price_orchestrator.shared import errors
from housing_price_orchestrator.shared.ports import ComparablesQuestion
from servers import StubModelServer
from waiting import wait_until


def leaves_of(error: type[Exception]) -> set[type[Exception]]:
    below = error.__subclasses__()
    return {leaf for one in below for leaf in leaves_of(one)} if below else {error}


# A probe passes the circuit breaker and a deadline, and no wrapper that compares models. Prices are not optional.
IMPOSSIBLE = {errors.ModelChanged, errors.PriceImplausible}
ERRORS = (leaves_of(errors.ModelServerError) | {errors.DeadlineExceeded}) - IMPOSSIBLE


class Broken:
    """A model that raises."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def answer(self, _questions: object, /) -> list[object]:
        raise self.error


@pytest.fixture
def ready(stub: StubModelServer, start_app: StartApp) -> TestClient:
    api = start_app(stub.url)
    wait_until(lambda: api.get("/readyz").status_code == 200, "it did not become ready")
    return api


def probe_of(*, max_age_seconds: float) -> AnyProbe:
    """A probe of a comparables model that answers."""
    model, question = FakeComparablesModel(), ComparablesQuestion(house())
    return ModelProbe("comparables", model, question, interval_seconds=1.0, max_age_seconds=max_age_seconds)


def reason_of(api: TestClient, error: Exception, monkeypatch: pytest.MonkeyPatch) -> str:
    """The reason that `/readyz` gives while probes of the comparables model end with an error."""
    readiness = services_of(api).readiness
    probe = probe_of(max_age_seconds=1.0)
    probe.use_model(Broken(error), None)
    assert api.portal is not None
    api.portal.call(probe.probe)
    monkeypatch.setattr(readiness, "optional", (probe,))
    answer = api.get("/readyz")
    assert answer.status_code == 200
    (model,) = answer.json()["optional"]
    assert (model["name"], model["isAnswering"]) == ("comparables", False)
    return str(model["reason"])


@pytest.mark.parametrize("kind", sorted(ERRORS, key=str), ids=str)
def test_reason_is_about_the_optional_model(
    kind: type[Exception], ready: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = reason_of(ready, kind.__new__(kind, "secret"), monkeypatch)
    assert reason == REASONS[kind].format(model="comparables")
    assert "comparables server" in reason
    assert not any(word in reason for word in ("price", "priced", "Retry-After", "Try again", "secret"))


def test_unexpected_error_is_not_shown(ready: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = reason_of(ready, RuntimeError("secret"), monkeypatch)
    assert reason.startswith("The check of the comparables server failed unexpectedly")
    assert "secret" not in reason


def test_model_that_has_not_answered_yet_is_named(ready: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = probe_of(max_age_seconds=0.0)
    readiness: Readiness = services_of(ready).readiness
    monkeypatch.setattr(readiness, "optional", (probe,))
    (model,) = ready.get("/readyz").json()["optional"]
    assert model["reason"] == "The comparables server has not answered yet."
    assert ready.portal is not None
    ready.portal.call(probe.probe)
    wait_until(lambda: not probe.is_answering, "the answer did not expire")
    (model,) = ready.get("/readyz").json()["optional"]
    assert model["reason"] == "The last answer of the comparables server is too old."
