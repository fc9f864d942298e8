"""The section "What if": the value follows each change, old answers never replace newer ones, variants side by side."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Request, Response, Route, expect

from .questions import WHOLE_HOUSE, estimate
from .tab import Tab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

ESTIMATE = "/api/v1/valuation/estimate"
AREA = "#whatif-grLivArea"


@pytest.fixture
def result(tab: Tab) -> Locator:
    """The result of an estimate, complete with its comparison."""
    shown = estimate(tab.open())
    shown.locator(".result-grid").wait_for()
    return shown


def for_area(area: int) -> Callable[[Response], bool]:
    """Match the answer to a variant with this living area."""
    return lambda response: response.url.endswith(ESTIMATE) and living_area(response.request) == area and response.ok


def living_area(request: Request) -> int | None:
    area: int | None = json.loads(request.post_data or "{}").get("grLivArea")
    return area


def change_area(page: Page, area: int) -> float:
    """Change the living area and return the new value."""
    with page.expect_response(for_area(area)) as answer:
        page.fill(AREA, str(area))
    amount: float = answer.value.json()["estimate"]["amount"]
    return amount


def cells(result: Locator, title: str) -> list[str]:
    table = result.get_by_role("table", name="Two variants side by side")
    return table.get_by_role("row", name=re.compile(f"^{re.escape(title)} ")).locator("td").all_inner_texts()


def dollars(amount: float) -> str:
    return f"${int(amount + 0.5):,}"


def test_change_shows_the_new_value_and_the_difference(tab: Tab, result: Locator) -> None:
    first = result.locator(".result-amount").inner_text()
    amount = change_area(tab.page, 1_400)
    expect(result.locator(".whatif-status")).to_contain_text(f"The value is {dollars(amount)}: ")
    assert cells(result, "Value")[1] == dollars(amount)
    assert cells(result, "Living area above ground") == ["896 square feet", "1,400 square feet"]
    old, new = (int(re.sub(r"\D", "", cell)) for cell in cells(result, "Value"))
    shown = int(re.sub(r"\D", "", cells(result, "Difference")[1]))
    # Each figure is rounded by itself.
    assert abs(abs(new - old) - shown) <= 1
    # The result stays that of the answers.
    assert result.locator(".result-amount").inner_text() == first
    tab.check_view()


def test_typing_asks_once_after_a_pause(tab: Tab, result: Locator) -> None:
    asked: list[int | None] = []

    def record(request: Request) -> None:
        if request.url.endswith(ESTIMATE):
            asked.append(living_area(request))

    tab.page.on("request", record)
    tab.page.fill(AREA, "")
    with tab.page.expect_response(for_area(1_500)):
        tab.page.locator(AREA).press_sequentially("1500", delay=10)
    assert [area for area in asked if area is not None] == [1_500]


@pytest.mark.parametrize("aborts", [True, False], ids=["aborted", "cannot be aborted"])
def test_an_older_slower_answer_never_replaces_a_newer_one(tab: Tab, result: Locator, aborts: bool) -> None:
    page = tab.page
    if not aborts:
        # Without the signal the older answer arrives in the page, after the newer one.
        page.evaluate("() => { const ask = fetch; window.fetch = (url, init) => ask(url, {...init, signal: null}); }")
    held: list[Route] = []

    def hold_older(route: Route) -> None:
        if living_area(route.request) == 1_000:
            held.append(route)
        else:
            route.continue_()

    page.route(f"**{ESTIMATE}", hold_older)
    with page.expect_request(lambda request: request.url.endswith(ESTIMATE) and living_area(request) == 1_000):
        page.fill(AREA, "1000")
    newer = change_area(page, 2_000)
    expect(result.locator(".whatif-status")).to_contain_text(dollars(newer))
    assert len(held) == 1
    if aborts:
        assert held[0].request.failure
    else:
        with page.expect_response(for_area(1_000)) as older:
            held[0].continue_()
        older.value.finished()
        assert dollars(older.value.json()["estimate"]["amount"]) != dollars(newer)
    # A later change proves that the page has handled everything before.
    expect(result.locator(".whatif-status")).to_contain_text(dollars(newer))
    assert cells(result, "Living area above ground")[1] == "2,000 square feet"
    assert cells(result, "Value")[1] == dollars(newer)


def test_a_kept_variant_stands_beside_the_next_one(tab: Tab, result: Locator) -> None:
    page = tab.page
    first = change_area(page, 1_400)
    expect(result.locator(".whatif-status")).to_contain_text(dollars(first))
    result.get_by_role("button", name="Keep this variant beside").click()
    with page.expect_response(lambda response: response.url.endswith(ESTIMATE) and response.ok) as answer:
        page.select_option("#whatif-overallQual", "8")
    second = answer.value.json()["estimate"]["amount"]
    table = result.get_by_role("table", name="Two variants side by side")
    expect(table.get_by_role("columnheader")).to_have_text(["Feature", "Variant 1", "With your changes"])
    assert cells(result, "Value") == [dollars(first), dollars(second)]
    assert cells(result, "Overall quality") == ["Average", "Very good"]
    # The area is the same in both.
    assert cells(result, "Living area above ground") == []
    result.get_by_role("button", name="Back to your answers").click()
    expect(table).to_have_count(0)
    expect(page.locator(AREA)).to_have_value("896")
    expect(page.locator("#whatif-overallQual")).to_have_value("5")
    tab.check_accessible()


def test_a_feature_that_was_not_answered_can_be_changed(tab: Tab, result: Locator) -> None:
    page = tab.page
    result.get_by_label("Change another feature").select_option(label="Central air conditioning")
    expect(page.locator("#whatif-centralAir")).to_be_focused()
    with page.expect_response(lambda response: response.url.endswith(ESTIMATE) and response.ok):
        page.locator("#whatif-centralAir").select_option(label="No")
    expect(result.get_by_role("table", name="Two variants side by side")).to_be_visible()
    assert cells(result, "Central air conditioning") == ["not answered", "No"]


def test_an_invalid_value_is_explained_beside_its_field_and_a_valid_one_removes_it(tab: Tab, result: Locator) -> None:
    page = tab.page
    with page.expect_response(lambda response: response.url.endswith(ESTIMATE)) as answer:
        page.fill(AREA, "-1")
    finding = answer.value.json()["detail"][0]
    assert finding["loc"][-1] == "grLivArea"
    expect(page.locator(f"{AREA}-error")).to_have_text(finding["msg"])
    expect(page.locator(AREA)).to_have_attribute("aria-invalid", "true")
    tab.check_accessible()
    amount = change_area(page, 1_200)
    expect(page.locator(f"{AREA}-error")).to_be_hidden()
    expect(result.locator(".whatif-status")).to_contain_text(dollars(amount))


def test_a_failure_is_shown_and_the_variant_can_be_asked_again(tab: Tab, result: Locator) -> None:
    page = tab.page
    page.route(f"**{ESTIMATE}", lambda route: route.abort())
    page.fill(AREA, "1300")
    expect(result.get_by_role("alert")).to_contain_text("cannot be reached")
    page.unroute(f"**{ESTIMATE}")
    result.get_by_role("alert").get_by_role("button", name="Try again").click()
    expect(result.get_by_role("alert")).to_have_count(0)
    expect(result.get_by_role("table", name="Two variants side by side")).to_be_visible()


def test_variants_by_keyboard_alone(tab: Tab, result: Locator) -> None:
    page = tab.page
    page.locator(AREA).focus()
    page.keyboard.press("Control+a")
    with page.expect_response(for_area(1_800)):
        page.keyboard.type("1800")
    table = result.get_by_role("table", name="Two variants side by side")
    expect(table).to_be_visible()
    keep = result.get_by_role("button", name="Keep this variant beside")
    for _ in range(20):
        page.keyboard.press("Tab")
        if keep.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(table.get_by_role("columnheader", name="Variant 1")).to_be_visible()


def test_a_whole_house_is_valued_again_with_its_comparable_sales(tab: Tab) -> None:
    page = tab.open()
    result = estimate(page, WHOLE_HOUSE)
    with page.expect_response(lambda response: response.url.endswith("/api/v1/valuation?include=")) as answer:
        page.fill(AREA, "1200")
    amount = answer.value.json()["value"]["amount"]
    expect(result.locator(".whatif-status")).to_contain_text(dollars(amount))
