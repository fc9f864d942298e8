"""The form of the view "Estimate" against real services: questions, answers, findings, keyboard."""

import re
from collections.abc import Iterator
from typing import Final

import httpx
import pytest
from playwright.sync_api import Page, expect

from .estimate_form import ESTIMATE, answer, estimate, expect_result, form, group, sent_with
from .tab import BOUNDED_MS, Tab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

NEEDED: Final = {"Neighborhood": "North Ames", "Overall quality": "Average", "Year built": "1961"}


@pytest.fixture
def page(tab: Tab) -> Iterator[Page]:
    """The page with its questions. In the end it must not have complained about anything."""
    page = tab.open()
    expect(page.get_by_role("button", name="Estimate the value")).to_be_visible(timeout=BOUNDED_MS)
    yield page
    tab.check_silent()


def test_the_questions_are_those_of_the_document(page: Page, tab: Tab) -> None:
    document = httpx.get(f"{tab.url}/openapi.json", trust_env=False).json()
    schemas = document["components"]["schemas"]
    facts = schemas["HouseFacts"]
    titles = {one["title"] for one in facts["properties"].values() if "x-group" in one}
    labels = page.locator(".estimate-form .question > label").all_text_contents()
    assert len(labels) == len(titles) == 79
    assert {label.removesuffix(" (needed)") for label in labels} == titles
    needed = {label.removesuffix(" (needed)") for label in labels if label.endswith(" (needed)")}
    assert needed == {facts["properties"][key]["title"] for key in facts["required"]}
    first = page.locator(".estimate-form .card .question")
    assert 8 <= first.count() <= 12
    groups = page.locator(".group-title").all_text_contents()
    assert set(groups) <= set(schemas["House"]["x-groups"].values())
    assert groups == [title for title in schemas["House"]["x-groups"].values() if title in groups]


def test_words_are_shown_with_labels_and_numbers_with_unit_and_range(page: Page) -> None:
    options = form(page).get_by_label("Neighborhood").locator("option").all_text_contents()
    assert "North Ames" in options
    assert "NAmes" not in options
    area = page.locator(".question", has=page.locator("#question-grLivArea"))
    expect(area).to_contain_text("square feet")
    expect(area).to_contain_text("0 to 20,000")
    # A screen reader says both with the field.
    expect(area.get_by_role("textbox")).to_have_accessible_description(re.compile("square feet.*0 to 20,000"))


def test_an_example_can_be_filled_in_estimated_and_cleared(page: Page, tab: Tab) -> None:
    document = httpx.get(f"{tab.url}/openapi.json", trust_env=False).json()
    content = document["paths"][ESTIMATE]["post"]["requestBody"]["content"]["application/json"]
    example = next(iter(content["examples"].values()))["value"]
    page.get_by_role("button", name="Fill in an example").click()
    sent = sent_with(page, lambda: estimate(page))
    assert sent == {"path": ESTIMATE, "body": {key: value for key, value in example.items() if key != "id"}}
    expect_result(page)
    # The result is where the focus is, for those who cannot see it appear.
    expect(page.locator(".estimate-result")).to_be_focused()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".estimate-result")).to_be_empty()
    expect(form(page).get_by_label("Year built")).to_have_value("")


def test_four_answers_are_enough(page: Page) -> None:
    for title, value in (NEEDED | {"Living area above ground": "1,500"}).items():
        answer(page, title, value)
    sent = sent_with(page, lambda: estimate(page))
    assert sent["body"] == {"neighborhood": "NAmes", "overallQual": 5, "yearBuilt": 1961, "grLivArea": 1500}
    expect_result(page)


def test_nothing_and_not_known_are_different_answers(page: Page) -> None:
    page.get_by_role("button", name="Fill in an example").click()
    group(page, "Garage and driveway").locator("summary").click()
    answer(page, "Location of the garage", "No garage")
    page.locator("#question-garageYrBlt-none").check()
    expect(page.locator("#question-garageYrBlt")).to_be_disabled()
    body = sent_with(page, lambda: estimate(page))["body"]
    assert body["garageType"] is None
    assert body["garageYrBlt"] is None
    assert "garageFinish" not in body
    expect(group(page, "Garage and driveway").locator(".group-count")).to_have_text("2 of 7 answered")


def test_invalid_answers_are_explained_beside_their_questions_in_the_words_of_the_api(page: Page, tab: Tab) -> None:
    page.get_by_role("button", name="Fill in an example").click()
    group(page, "Lot").locator("summary").click()
    answer(page, "Street frontage", "-5")
    group(page, "Lot").locator("summary").click()
    answer(page, "Year built", "1500")
    answer(page, "Living area above ground", "many")
    answer(page, "Neighborhood", "Not known")
    estimate(page)
    facts = {"overallQual": 5, "yearBuilt": 1500, "grLivArea": "many", "lotFrontage": -5}
    said = httpx.post(f"{tab.url}{ESTIMATE}", json=facts, timeout=60, trust_env=False).json()["detail"]
    words = {finding["loc"][-1]: finding["msg"] for finding in said}
    assert words.keys() == {"neighborhood", "yearBuilt", "grLivArea", "lotFrontage"}
    summary = page.locator(".findings")
    expect(summary.locator("h2")).to_have_text("4 answers are not valid", timeout=BOUNDED_MS)
    for key, text in words.items():
        field = page.locator(f"#question-{key}")
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(re.compile(re.escape(text)))
        expect(page.locator(f"#question-{key}-error")).to_have_text(text)
        expect(summary).to_contain_text(text)
    expect(page.locator("#question-neighborhood")).to_be_focused()
    tab.check_accessible()
    # A link of the summary opens the group of its question.
    expect(page.locator("#question-lotFrontage")).not_to_be_visible()
    summary.get_by_role("link", name="Street frontage").click()
    expect(page.locator("#question-lotFrontage")).to_be_focused()
    # A corrected answer is not marked any more; the others still are.
    page.locator("#question-lotFrontage").fill("80")
    expect(page.locator("#question-lotFrontage")).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#question-yearBuilt")).to_have_attribute("aria-invalid", "true")
    answer(page, "Neighborhood", "North Ames")
    answer(page, "Year built", "1961")
    answer(page, "Living area above ground", "896")
    estimate(page)
    expect_result(page)
    expect(summary).to_be_hidden()


def test_a_number_that_json_cannot_hold_is_not_taken_for_nothing(page: Page) -> None:
    page.get_by_role("button", name="Fill in an example").click()
    answer(page, "Total area of the basement", "9" * 400)
    body = sent_with(page, lambda: estimate(page))["body"]
    assert body["totalBsmtSf"] == "9" * 400
    expect(page.locator("#question-totalBsmtSf")).to_have_attribute("aria-invalid", "true", timeout=BOUNDED_MS)


def test_with_every_answer_the_house_is_valued(page: Page, tab: Tab) -> None:
    document = httpx.get(f"{tab.url}/openapi.json", trust_env=False).json()
    content = document["paths"]["/api/v1/valuation"]["post"]["requestBody"]["content"]["application/json"]
    house = next(iter(content["examples"].values()))["value"]
    # As another view would leave it: there is no button for a whole house.
    page.evaluate(
        """async (house) => {
          const { createForm } = await import("./page/form.js");
          const { Api } = await import("./page/api.js");
          const { loadSchema } = await import("./page/schema.js");
          const { ask } = await import("./page/ask.js");
          const api = new Api();
          const context = { api, schema: await loadSchema(api), houseId: 77 };
          const form = createForm(document.createElement("div"), context);
          form.fill(house);
          window.asked = ask(context, form.read());
        }""",
        house,
    )
    valuation = page.evaluate("window.asked")
    assert valuation["id"] == 77
    assert valuation["value"]["amount"] > 0
    assert valuation["comparables"] is not None


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Fill in an example")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#question-neighborhood")).to_be_focused()
    for _ in range(page.locator(".estimate-form .card .question").count()):
        page.keyboard.press("Tab")
    expect(page.locator(".group summary").first).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator(".group").first).to_have_attribute("open", "")
    page.locator("#question-yearBuilt").focus()
    page.keyboard.press("Enter")
    expect_result(page)


def test_a_focused_field_is_never_hidden_behind_the_bar(page: Page) -> None:
    # A smooth scroll would still be on its way when the positions are read.
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": 360, "height": 640})
    bar = page.locator(".actions")
    for control in page.locator(".estimate-form .card :is(input, select)").all():
        control.focus()
        field, over = control.bounding_box(), bar.bounding_box()
        assert field is not None
        assert over is not None
        assert field["y"] + field["height"] <= over["y"] + 1


def test_the_form_is_accessible_and_fits_with_every_group_open(page: Page, tab: Tab) -> None:
    tab.check_view()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate("document.querySelectorAll('.group').forEach((group) => { group.open = true; })")
    tab.check_view()


def test_answers_stay_while_another_view_is_shown(page: Page) -> None:
    answer(page, "Year built", "1961")
    answer(page, "Neighborhood", "North Ames")
    views = page.get_by_role("navigation", name="Views")
    views.get_by_role("link", name="Files").click()
    expect(form(page)).to_have_count(0)
    views.get_by_role("link", name="Estimate").click()
    expect(form(page).get_by_label("Year built")).to_have_value("1961")
    expect(form(page).get_by_label("Neighborhood").locator("option:checked")).to_have_text("North Ames")
