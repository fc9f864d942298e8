"""The view "Operations" in a real browser against real services."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from factories import a_route, routes_json

from ..real_services import GuardedService, ModelServer, Service, running_api, variables_of
from .tab import BOUNDED_MS, Tab, opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ALARM = {"family": "inputs", "subject": "GrLivArea", "says": "the median is 1,766 instead of 1,442"}
JUDGED = {"model_id": "m", "name": "price", "model_version": "1", "verdict": "alarm", "rows": 500, "alarms": [ALARM]}
DRIFT = {
    "version": 1,
    "checked_at": "2026-11-30T06:00:00Z",
    "from": None,
    "to": None,
    "is_alarm": True,
    "models": [JUDGED],
    "unjudged": [{"model_id": "other", "rows": 3, "reason": "no profile was found"}],
}


def part(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


@pytest.fixture(scope="module")
def drift_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drift") / "drift.json"


@pytest.fixture(scope="module")
def operated(
    model_servers: tuple[ModelServer, ModelServer], tmp_path_factory: pytest.TempPathFactory, drift_file: Path
) -> Iterator[str]:
    """The address of an API that knows MLflow and Grafana, reads drift checks, and has a canary in its routes."""
    price, comparables = model_servers
    folder = tmp_path_factory.mktemp("operated")
    routes = folder / "routes.json"
    variables = variables_of(folder, price, comparables) | {
        "ORCHESTRATOR_MODEL_SERVER__REGISTRY_URL": "http://user:SECRET@mlflow.example:9999/",
        "ORCHESTRATOR_PAGE__GRAFANA_URL": "https://grafana.example/d/1",
        "ORCHESTRATOR_DRIFT__FILE": str(drift_file),
        "ORCHESTRATOR_MODEL_SERVER__ROUTES_FILE": str(routes),
    }
    canary = a_route("7", price.url, weight=0.25)
    routes.write_text(routes_json(3, a_route("6", price.url), canary=canary), encoding="utf-8")
    with running_api(**variables) as url:
        yield url


def test_the_state_of_the_service_is_shown(tab: Tab) -> None:
    page = tab.open("#operations")
    expect(part(page, "Readiness")).to_contain_text("Ready. Houses are priced by housing-price 1.")
    expect(part(page, "Readiness")).to_contain_text("The comparables model answers: housing-comparables 1.")
    expect(part(page, "Versions in service")).to_contain_text("Champion")
    expect(part(page, "Versions in service")).to_contain_text("No canary is running.")
    expect(part(page, "Jobs")).to_contain_text(re.compile(r"Waiting for a worker: \d+, Running: \d+"))
    expect(part(page, "Drift")).to_contain_text("No drift check is configured.")
    for name in ("Swagger UI: try the API", "ReDoc: reference", "OpenAPI document", "Metrics"):
        link = part(page, "Tools").get_by_role("link", name=name)
        answer = page.request.get(str(link.evaluate("(one) => one.href")))
        assert answer.ok, name
    # Without addresses, there are no links to MLflow and Grafana.
    expect(part(page, "Tools").get_by_role("link")).to_have_count(4)
    tab.check_view()


def test_tools_drift_and_canary_are_shown(browser: Browser, operated: str, drift_file: Path) -> None:
    with opened(browser, operated) as tab:
        drift_file.unlink(missing_ok=True)
        page = tab.open("#operations")
        expect(part(page, "Drift")).to_contain_text("The drift check has not run yet.")
        tools = part(page, "Tools")
        expect(tools.get_by_role("link", name="MLflow")).to_have_attribute("href", "http://mlflow.example:9999/")
        expect(tools.get_by_role("link", name="Grafana")).to_have_attribute("href", "https://grafana.example/d/1")
        expect(part(page, "Versions in service").get_by_role("row", name="Canary")).to_contain_text("7")
        drift_file.write_text(json.dumps(DRIFT))
        # The view renews itself.
        expect(part(page, "Drift")).to_contain_text("price 1: alarm, 500 rows.", timeout=BOUNDED_MS)
        expect(part(page, "Drift")).to_contain_text("the median is 1,766 instead of 1,442")
        expect(part(page, "Drift")).to_contain_text("Model other was not checked: no profile was found.")
        tab.check_view()
        drift_file.write_text("damaged")
        page.get_by_role("button", name="Refresh").click()
        expect(part(page, "Drift")).to_contain_text("cannot be read")
        assert "SECRET" not in page.content()


def test_a_dead_comparables_server_is_named(tab: Tab, service: Service) -> None:
    page = tab.open("#operations")
    with service.without_comparables():
        expect(part(page, "Readiness")).to_contain_text("The comparables model does not answer.", timeout=BOUNDED_MS)
        expect(part(page, "Readiness")).to_contain_text("Ready. Houses are priced by")
        tab.check_view()
    expect(part(page, "Readiness")).to_contain_text("The comparables model answers", timeout=BOUNDED_MS)


@pytest.mark.parametrize(("key", "refused"), [("predict", ["Versions in service", "Jobs", "Drift"]), ("all", [])])
def test_what_a_key_may_not_see_is_named(
    guarded_tab: Tab, guarded: GuardedService, key: str, refused: list[str]
) -> None:
    page = guarded_tab.open("#operations")
    page.get_by_label("API key").fill(guarded.keys[key])
    page.get_by_label("API key").press("Enter")
    expect(page.get_by_text("Key in use")).to_be_visible()
    expect(part(page, "Readiness")).to_contain_text("Ready.")
    for name in ("Versions in service", "Jobs", "Drift"):
        text = "This key lacks the scope" if name in refused else ""
        expect(part(page, name)).not_to_contain_text("A key is needed")
        expect(part(page, name).get_by_text(text or "not allowed")).to_have_count(1 if text else 0)
    note = part(page, "Tools").get_by_text("shown to keys with the scope admin")
    expect(note).to_have_count(1 if refused else 0)
    guarded_tab.check_view()


def test_the_view_renews_itself_and_stops_when_it_is_left(tab: Tab) -> None:
    tab.page.clock.install()
    page = tab.open("#operations")
    expect(part(page, "Readiness")).to_contain_text("Ready.")
    with page.expect_request(re.compile("/readyz$")):
        page.clock.run_for(15_000)
    page.get_by_role("link", name="Files").click()
    expect(page.get_by_role("heading", name="Price a file of houses")).to_be_visible()
    page.wait_for_load_state("networkidle")
    tab.requests.clear()
    page.clock.run_for(120_000)
    assert not [one for one in tab.requests if one.endswith("/readyz")]
