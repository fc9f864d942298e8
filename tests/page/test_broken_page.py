"""The page while one of its own modules cannot be loaded, or a view fails: it says so, and how to go on."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from .tab import Tab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

BROKEN_VIEW = "export async function mount() { throw new Error('the list is broken'); }"


def show(page: Page, view: str) -> None:
    page.get_by_role("navigation", name="Views").get_by_role("link", name=view).click()


def reload(alert: Locator) -> None:
    """Reload the page with the button of its message."""
    page = alert.page
    with page.expect_navigation():
        alert.get_by_role("button", name="Reload the page").click()


@pytest.mark.parametrize("module", ["files.js", "jobs.js"])
def test_a_view_whose_module_cannot_be_loaded_is_named(tab: Tab, module: str) -> None:
    page = tab.open()
    expect(page.get_by_role("button", name="Estimate the value")).to_be_visible()
    page.route(f"**/page/{module}", lambda route: route.abort())
    show(page, "Files")
    alert = page.get_by_role("alert")
    expect(alert.get_by_role("heading")).to_have_text('The view "Files" could not be loaded')
    expect(alert).to_contain_text("Other views may still work.")
    assert any("files.js" in one for one in tab.complaints), tab.complaints
    tab.check_accessible()
    tab.check_fits()
    show(page, "Operations")
    expect(page.get_by_role("heading", level=1, name="Operations")).to_be_visible()
    expect(alert).to_have_count(0)
    page.unroute(f"**/page/{module}")


def test_reloading_brings_back_a_view_that_could_not_be_loaded(tab: Tab) -> None:
    tab.page.route("**/page/files.js", lambda route: route.abort())
    page = tab.open("#files")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text('The view "Files" could not be loaded')
    page.unroute("**/page/files.js")
    reload(alert)
    expect(page.get_by_role("heading", level=1, name="Price a file of houses")).to_be_visible()


def test_a_view_that_fails_is_named_with_the_error(tab: Tab) -> None:
    page = tab.open()
    expect(page.get_by_role("button", name="Estimate the value")).to_be_visible()
    page.route("**/page/files.js", lambda route: route.fulfill(content_type="text/javascript", body=BROKEN_VIEW))
    show(page, "Files")
    alert = page.get_by_role("alert")
    expect(alert.get_by_role("heading")).to_have_text('The view "Files" could not be shown')
    expect(alert).to_contain_text("Error: the list is broken")
    expect(alert.get_by_role("button", name="Reload the page")).to_be_visible()
    # Developers find it in the console, too.
    assert any("the list is broken" in one for one in tab.complaints), tab.complaints
    tab.check_accessible()
    show(page, "Estimate")
    expect(page.get_by_role("button", name="Estimate the value")).to_be_visible()


@pytest.mark.parametrize("module", ["views.js", "dom.js"])
def test_a_page_whose_modules_cannot_be_loaded_says_so(tab: Tab, module: str) -> None:
    tab.page.route(f"**/page/{module}", lambda route: route.abort())
    page = tab.open()
    alert = page.get_by_role("alert")
    expect(alert.get_by_role("heading", level=1)).to_have_text("The page could not be loaded")
    expect(alert).to_contain_text("may have been stopped or updated")
    tab.check_accessible()
    tab.check_fits()
    page.unroute(f"**/page/{module}")
    reload(alert)
    expect(page.get_by_role("button", name="Estimate the value")).to_be_visible()


def test_a_page_without_its_first_module_still_says_what_to_do(tab: Tab) -> None:
    tab.page.route("**/page/main.js", lambda route: route.abort())
    page = tab.open()
    expect(page.locator("main")).to_contain_text(re.compile("a part of the page could not be loaded: reload it"))
