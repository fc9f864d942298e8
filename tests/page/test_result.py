"""The result of an estimate: the figures are those of the API, pictures have texts, and failed parts are named."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Response, Route, expect

from ..real_services import Service
from .questions import FACTS, WHOLE_HOUSE, answer, ask, estimate
from .tab import Tab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

ESTIMATE, VALUATION = "/api/v1/valuation/estimate", "/api/v1/valuation"
FIRST_FACTS = 2
"""Cells of a row of the grid before the first sale: the title and the asked house."""


def is_answer_of(path: str) -> Any:
    return lambda response: response.url.endswith(path) and response.ok


def dollars(amount: float) -> str:
    """Format an amount as the grid does: JavaScript rounds a half up, away from zero."""
    return f"${int(abs(amount) + 0.5):,}"


def signed(amount: float) -> str:
    text = dollars(amount)
    return text if text == "$0" else f"{'+' if amount > 0 else '−'}{text}"  # noqa: RUF001 - the minus sign


def with_comparison(page: Page, facts: Mapping[str, Any] = FACTS) -> tuple[Locator, dict[str, Any], dict[str, Any]]:
    """Return the result of an estimate, and the two answers that it shows."""
    answers: dict[str, Response] = {}

    def record(response: Response) -> None:
        answers[response.url.rpartition("/api/")[2]] = response

    page.on("response", record)
    result = estimate(page, facts)
    result.get_by_role("table", name="Your house and the sold houses most like it").wait_for()
    return result, answers["v1/valuation/estimate"].json(), answers["v1/valuation"].json()


def row(result: Locator, title: str) -> list[str]:
    """Return the cells of a row of the grid that belong to the sales."""
    table = result.locator(".result-grid")
    found = table.get_by_role("row").filter(has=result.page.get_by_role("rowheader", name=title, exact=True))
    return found.first.locator("th, td").all_inner_texts()[FIRST_FACTS:]


def test_estimate_shows_the_value_its_interval_and_its_years(tab: Tab) -> None:
    result, answer, _ = with_comparison(tab.open())
    amount, interval = answer["estimate"]["amount"], answer["estimate"]["interval"]
    digits = 10 ** (len(str(int(amount))) - 3)
    expect(result.locator(".result-amount")).to_have_text(
        f"about {int(amount / digits + 0.5) * digits:,} US dollars", ignore_case=True
    )
    expect(result).to_contain_text(f"Exactly ${amount:,.2f}")
    expect(result).to_contain_text("In 9 of 10 cases, the sale price is between about $")
    years = answer["dollarYears"]
    expect(result).to_contain_text(f"US dollars of the years {years['first']} to {years['last']}")
    picture = result.get_by_role("img", name="The value and the 90% interval", exact=True)
    ends = f"{dollars(interval['low'])} to {dollars(interval['high'])}"
    expect(picture.locator("desc")).to_have_text(f"The value is {dollars(amount)}; the 90% interval goes from {ends}.")
    tab.check_view()


def test_assumptions_are_listed_with_labels_and_agreement(tab: Tab) -> None:
    result, answer, _ = with_comparison(tab.open())
    assumed = answer["assumed"]
    result.get_by_text(f"All {len(assumed)} assumed features").click()
    rows = result.locator("details[open] tbody tr")
    expect(rows).to_have_count(len(assumed))
    by_title = {cells[0]: cells[1:] for cells in (one.split("\t") for one in rows.all_inner_texts())}
    air = next(one for one in assumed if one["field"] == "centralAir")
    count = len(answer["sales"])
    assert by_title["Central air conditioning"] == [
        {"Y": "Yes", "N": "No"}[air["value"]],
        f"{round(air['agreement'] * count)} of {count}",
    ]
    # No code of the survey is left where it has a label.
    assert not {"TA", "NAmes", "1Fam", "Norm", "AllPub"} & {cells[0] for cells in by_title.values()}
    tab.check_accessible()


def test_grid_leads_from_each_sale_price_to_its_adjusted_price(tab: Tab) -> None:
    result, estimated, valuation = with_comparison(tab.open())
    sales = valuation["comparables"]["sales"]
    assert row(result, "Sale price") == [dollars(sale["salePrice"]) for sale in sales]
    assert row(result, "Distance") == [f"{sale['distance']:.2f}" for sale in sales]
    assert row(result, "Adjusted price") == [dollars(sale["adjustedPrice"]) for sale in sales]
    assert row(result, "Weight in the mean") == [f"{sale['weight']:.1%}" for sale in sales]
    labels = result.page.evaluate(
        "async () => (await (await fetch('./openapi.json')).json()).components.schemas.House['x-groups']"
    )
    moved = {part["group"] for sale in sales for part in sale["adjustments"] if part["usd"]}
    assert moved
    for group in moved:
        amounts = [part["usd"] for sale in sales for part in sale["adjustments"] if part["group"] == group]
        assert row(result, labels[group]) == [signed(usd) for usd in amounts]
    house = {one["field"]: one["value"] for one in estimated["assumed"]} | dict(FACTS)
    differs = [sale["house"]["grLivArea"] != house["grLivArea"] for sale in sales]
    assert any(differs)
    shown = row(result, "Living area above ground (square feet)")
    assert [cell != "same" for cell in shown] == differs
    expect(result).to_contain_text(f"it uses the {len(estimated['assumed'])} assumed ones")


def test_difference_from_the_typical_house_is_a_picture_and_a_table(tab: Tab) -> None:
    result, _, valuation = with_comparison(tab.open())
    explanation = valuation["explanation"]
    picture = tab.page.get_by_role("img", name="Differences from a typical house, by group of features")
    expect(picture.locator("rect")).to_have_count(len(explanation["differences"]))
    section = result.locator("section").filter(has=picture)
    section.get_by_text("The figures as a table").click()
    amounts = section.locator("tbody td").all_inner_texts()
    assert amounts[0] == f"${explanation['typicalPrice']:,.2f}"
    assert sorted(amounts[1:-1]) == sorted(signed(part["usd"]) for part in explanation["differences"])
    assert amounts[-1] == f"${valuation['price']['predictedPrice']:,.2f}"


def test_house_with_all_answers_gets_a_valuation_without_assumptions(tab: Tab) -> None:
    page = tab.open()
    with page.expect_response(is_answer_of(VALUATION)) as received:
        result = estimate(page, WHOLE_HOUSE)
    value = received.value.json()["value"]
    expect(result).to_contain_text(f"Exactly ${value['amount']:,.2f}")
    expect(result).to_contain_text("combines the predicted price with the adjusted prices")
    if value["confidence"]:
        expect(result).to_contain_text(f"Confidence: {value['confidence']}.")
    expect(result.get_by_role("heading", name="Assumptions")).to_have_count(0)
    expect(result.locator(".result-grid")).to_be_visible()
    expect(result.locator(".result-assumed")).to_have_count(0)
    tab.check_view()


def test_warning_names_the_feature_and_the_values_that_the_model_has_seen(tab: Tab) -> None:
    result = estimate(tab.open(), {**FACTS, "lotArea": 900_000})
    warning = result.locator(".result-warnings")
    expect(warning).to_contain_text(re.compile(r"Lot size: 900,000 square feet is outside .* \([\d,]+ square feet to "))
    tab.check_view()


def test_grid_scrolls_by_keyboard_on_a_phone_and_the_page_does_not(tab: Tab) -> None:
    page = tab.open()
    result, _, _ = with_comparison(page)
    page.set_viewport_size({"width": 360, "height": 800})
    region = result.get_by_role("region", name="Your house and the sold houses most like it")
    region.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("region => region.scrollLeft > 0", arg=region.element_handle())
    assert page.evaluate("scrollX") == 0


def test_result_prints_without_controls_and_within_the_width_of_a_page(tab: Tab) -> None:
    page = tab.open()
    result, answer, _ = with_comparison(page)
    # The width of A4 at 96 dots per inch, less margins of 1 cm.
    page.set_viewport_size({"width": 718, "height": 1_000})
    page.emulate_media(media="print")
    assert tab.too_wide() == []
    expect(page.locator("button:visible, nav:visible, .site-footer:visible")).to_have_count(0)
    expect(result.locator(".result-grid")).to_be_visible()
    # Nothing can be opened on paper.
    assumed = result.locator("details", has_text=f"All {len(answer['assumed'])} assumed features")
    expect(assumed.get_by_role("table")).to_be_visible()


def test_failed_comparison_is_named_and_can_be_tried_again(tab: Tab) -> None:
    page = tab.open()
    broken = re.compile(rf"{VALUATION}$")

    def refuse(route: Route) -> None:
        problem = {
            "type": "urn:housing-price:problem:overloaded",
            "title": "Too busy",
            "status": 503,
            "detail": "Later.",
        }
        route.fulfill(status=503, headers={"content-type": "application/problem+json"}, json=problem)

    page.route(broken, refuse)
    result = estimate(page)
    expect(result).to_contain_text("The comparison with sold houses failed.")
    expect(result).to_contain_text("Too busy")
    expect(result.locator(".result-amount")).to_be_visible()
    tab.check_accessible()
    page.unroute(broken)
    result.get_by_role("button", name="Try again").click()
    expect(result.locator(".result-grid")).to_be_visible()


def test_without_the_comparables_server_a_whole_house_has_its_price_and_the_failed_part_is_named(
    tab: Tab, service: Service
) -> None:
    with service.without_comparables():
        page = tab.open()
        with page.expect_response(is_answer_of(VALUATION)) as received:
            result = estimate(page, WHOLE_HOUSE)
        document = received.value.json()
        assert document["comparables"] is None
        failed = result.locator(".result-problems")
        expect(failed).to_contain_text("Comparable sales: not available.")
        expect(failed).to_contain_text(document["problems"][0]["title"])
        expect(failed).to_contain_text("the value, from the predicted price alone, with its interval")
        expect(result).to_contain_text("Basis: predicted price alone.")
        expect(result.get_by_role("heading", name="What makes the difference")).to_be_visible()
        expect(result.locator(".result-grid")).to_have_count(0)
        tab.check_view()


def test_without_the_comparables_server_a_few_facts_get_a_problem_and_can_be_tried_again(
    tab: Tab, service: Service
) -> None:
    page = tab.open()
    with service.without_comparables():
        answer(page, FACTS)
        ask(page)
        expect(page.get_by_role("alert")).to_contain_text("The service cannot answer at the moment")
        tab.check_view()
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_enabled()
    again.click()
    expect(page.locator(".result-amount")).to_be_visible()


def test_new_result_replaces_the_old_one_and_ends_its_requests(tab: Tab) -> None:
    page = tab.open()
    result, _, _ = with_comparison(page)
    with page.expect_response(is_answer_of(ESTIMATE)) as received:
        estimate(page, {"grLivArea": 2_000})
    expect(result).to_contain_text(f"Exactly ${received.value.json()['estimate']['amount']:,.2f}")
    expect(result.locator(".result-grid")).to_have_count(1)
    expect(result.locator(".result-amount")).to_have_count(1)
