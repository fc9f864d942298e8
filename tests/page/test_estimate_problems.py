"""The view "Estimate" while the service is slow, fails, refuses or cannot be reached."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from ..real_services import ModelServer, running_api, variables_of
from .estimate_form import ESTIMATE, answer, estimate, expect_result, form
from .tab import BOUNDED_MS, Tab, opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_only_the_newest_of_several_estimates_is_shown(tab: Tab) -> None:
    page = tab.open()
    page.get_by_role("button", name="Fill in an example").click()
    held: list[Any] = []
    page.route(f"**{ESTIMATE}", lambda route: held.append(route) if not held else route.continue_())
    estimate(page)
    expect(form(page)).to_have_attribute("aria-busy", "true")
    expect(page.get_by_role("status").filter(has_text="Estimating")).to_be_visible()
    answer(page, "Year built", "2005")
    with page.expect_response(f"**{ESTIMATE}", timeout=BOUNDED_MS):
        estimate(page)
    expect_result(page)
    expect(form(page)).not_to_have_attribute("aria-busy", "true")
    assert len(held) == 1
    page.unroute(f"**{ESTIMATE}")


def test_an_unreachable_service_is_explained_and_can_be_asked_again(tab: Tab) -> None:
    page = tab.open()
    page.get_by_role("button", name="Fill in an example").click()
    tab.context.set_offline(True)
    estimate(page)
    problem = page.locator(".problem")
    expect(problem).to_contain_text("The service cannot be reached")
    expect(problem).to_be_focused()
    tab.check_accessible()
    tab.context.set_offline(False)
    problem.get_by_role("button", name="Try again").click()
    expect_result(page)


def test_the_page_itself_recovers_when_its_document_does_not_load(tab: Tab) -> None:
    tab.page.route("**/openapi.json", lambda route: route.abort())
    page = tab.open()
    expect(page.locator(".problem")).to_contain_text("The service cannot be reached")
    page.unroute("**/openapi.json")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Estimate the value")).to_be_visible(timeout=BOUNDED_MS)


@pytest.mark.parametrize(
    ("status", "headers", "body", "said"),
    [
        (429, {"retry-after": "2"}, {"title": "Rate limit exceeded", "detail": "x"}, "Too many requests"),
        (503, {"retry-after": "2"}, {"title": "Queue full", "detail": "Wait."}, "cannot answer at the moment"),
        (504, {}, {"title": "Deadline exceeded", "detail": "Too slow."}, "Deadline exceeded. Too slow."),
        (502, {}, None, "cannot answer at the moment"),
        (413, {}, {"title": "Body too large", "detail": "At most 64 kB."}, "At most 64 kB."),
        (401, {}, {"title": "Authentication required", "detail": "x"}, "A key is needed"),
        (403, {}, {"title": "Scope missing", "detail": "The key lacks `predict`."}, "The key lacks"),
        (500, {}, {"title": "Internal error", "detail": "Report it.", "requestId": "abc-1"}, "abc-1"),
    ],
)
def test_each_problem_is_explained_in_plain_words(
    tab: Tab, status: int, headers: dict[str, str], body: dict[str, str] | None, said: str
) -> None:
    page = tab.open()
    page.get_by_role("button", name="Fill in an example").click()
    # None stands for a proxy's page.
    content = "<h1>Bad gateway</h1>" if body is None else json.dumps(body)
    page.route(f"**{ESTIMATE}", lambda route: route.fulfill(status=status, headers=headers, body=content))
    estimate(page)
    problem = page.locator(".problem")
    expect(problem).to_contain_text(said)
    page.unroute(f"**{ESTIMATE}")
    again = problem.get_by_role("button", name="Try again")
    if headers:
        # The button waits as long as the API asks.
        expect(again).to_be_disabled()
        expect(again).to_have_text(re.compile("in [12] s"))
    expect(again).to_be_enabled(timeout=BOUNDED_MS)
    again.click()
    expect_result(page)


def test_a_rate_limit_of_the_api_itself_is_explained(
    browser: Browser, model_servers: tuple[ModelServer, ModelServer], tmp_path_factory: pytest.TempPathFactory
) -> None:
    variables = variables_of(tmp_path_factory.mktemp("jobs"), *model_servers)
    with running_api(ORCHESTRATOR_RATE_LIMIT__REQUESTS="1/minute", **variables) as url, opened(browser, url) as tab:
        page = tab.open()
        page.get_by_role("button", name="Fill in an example").click()
        estimate(page)
        expect(page.locator(".estimate-result")).to_contain_text("Too many requests", timeout=BOUNDED_MS)
