"""Every view of the page is small, accessible and usable by keyboard alone, and requests nothing from other servers."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from ..real_services import Service
from .tab import API_PATHS, MAX_PAGE_BYTES, Tab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

HEADINGS = {"#estimate": "What is this house worth?", "#files": "Price a file of houses", "#operations": "Operations"}
MAX_TABS = 40
"""More presses of the Tab key than any view needs to reach its main button."""


@pytest.fixture(params=HEADINGS)
def view(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(tab: Tab, view: str) -> Page:
    page = tab.open(view)
    expect(page.get_by_role("heading", level=1, name=HEADINGS[view])).to_be_visible()
    page.wait_for_load_state("networkidle")
    return page


def test_view_is_accessible_fits_every_width_and_has_no_errors(tab: Tab, view: str) -> None:
    opened(tab, view)
    tab.check_view()


def test_all_views_together_take_at_most_150_kb(tab: Tab) -> None:
    for view in HEADINGS:
        opened(tab, view)
    paths = {urlsplit(one).path for one in tab.requests}
    own = {one for one in paths if one == "/" or one.startswith("/page/")}
    headers = {"accept": "text/html, */*;q=0.1"}
    sizes = {path: len(tab.page.request.get(tab.url + path, headers=headers).body()) for path in own}
    assert {"/", "/page/main.js", "/page/files.js", "/page/operations.js", "/page/style.css"} <= sizes.keys()
    assert sum(sizes.values()) <= MAX_PAGE_BYTES, sizes


def test_page_asks_only_for_its_own_files_and_the_api(tab: Tab) -> None:
    for view in HEADINGS:
        opened(tab, view)
    paths = {urlsplit(one).path for one in tab.requests}
    other = {one for one in paths if not one.startswith((*API_PATHS, "/page/")) and one not in {"/", "/openapi.json"}}
    assert other == set()
    tab.check_silent()


def test_policy_of_the_page_allows_nothing_inline(tab: Tab) -> None:
    answer = tab.page.goto(tab.url)
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "set-cookie" not in answer.headers
    # An inline script of an attacker does not run.
    tab.page.evaluate("document.body.append(Object.assign(document.createElement('div'), {id: 'probe'}))")
    ran = tab.page.evaluate(
        """() => {
          const script = document.createElement("script");
          try { script.textContent = "document.getElementById('probe').title = 'ran'"; document.body.append(script); }
          catch { /* Trusted Types refuse the text already. */ }
          return document.getElementById("probe").title;
        }"""
    )
    assert ran == ""


def focused(page: Page, key: str) -> Iterator[str]:
    """Press a key again and again; gives the name of what has the focus each time."""
    for _ in range(MAX_TABS):
        page.keyboard.press(key)
        yield str(
            page.evaluate("() => (document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()")
        )


def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    """Move the focus by keyboard to what has this name, and check that the focus is visible."""
    for found in focused(page, key):
        if re.match(name, found):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"the focus of {name} is invisible"
            return
    raise AssertionError(f"the Tab key does not reach {name}")


def test_keyboard_alone_reaches_every_view(tab: Tab) -> None:
    page = opened(tab, "#estimate")
    for name, view, key in (
        ("Files", "#files", "Tab"),
        ("Operations", "#operations", "Shift+Tab"),
        ("Estimate", "#estimate", "Shift+Tab"),
    ):
        tab_to(page, name, key)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1, name=HEADINGS[view])).to_be_visible()
        # The focus moves into the view, so that its content is read next.
        expect(page.locator("main")).to_be_focused()


def test_keyboard_alone_skips_the_navigation(tab: Tab) -> None:
    page = opened(tab, "#estimate")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    expect(page.get_by_role("heading", level=1, name=HEADINGS["#estimate"])).to_be_visible()


def test_keyboard_alone_estimates_a_house(tab: Tab) -> None:
    page = opened(tab, "#estimate")
    page.get_by_role("heading", level=1).click()
    answers = (
        ("Neighborhood", "North"),
        ("Year built", "1961"),
        ("Living area", "896"),
        ("Overall quality", "Average"),
    )
    for name, text in answers:
        tab_to(page, name)
        page.keyboard.type(text)
    tab_to(page, "Estimate the value")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Result").get_by_text("$").first).to_be_visible()


def test_keyboard_alone_saves_a_sample_and_refreshes_the_operations(tab: Tab) -> None:
    page = opened(tab, "#files")
    tab_to(page, r"Sample file \(CSV\)")
    with page.expect_download() as found:
        page.keyboard.press("Space")
    assert found.value.suggested_filename == "sample-houses.csv"
    page = opened(tab, "#operations")
    tab_to(page, "Refresh")
    with page.expect_response(re.compile("/readyz$")):
        page.keyboard.press("Enter")


def test_unknown_fragment_shows_the_first_view(tab: Tab) -> None:
    page = tab.open("#nothing")
    expect(page.get_by_role("heading", level=1, name=HEADINGS["#estimate"])).to_be_visible()
    tab.check_silent()


def test_invalid_answer_is_explained_beside_its_question(tab: Tab, service: Service) -> None:
    page = opened(tab, "#estimate")
    page.get_by_role("button", name="Fill in an example").click()
    area = page.get_by_label("Living area above ground").first
    area.fill("-5")
    page.get_by_role("button", name="Estimate the value").click()
    expect(area).to_have_attribute("aria-invalid", "true")
    described = page.locator(" ,".join(f"#{one}" for one in (area.get_attribute("aria-describedby") or "").split()))
    expect(described.filter(has_text="Input should be greater than")).to_have_count(1)
    expect(page.get_by_role("region", name="Result").get_by_text("$")).to_have_count(0)
    tab.check_view()
    area.fill("896")
    page.get_by_role("button", name="Estimate the value").click()
    expect(page.get_by_role("region", name="Result").get_by_text("$").first).to_be_visible()
    expect(area).not_to_have_attribute("aria-invalid", "true")
