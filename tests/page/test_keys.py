"""Keys on the page: where they are required there is a field for one, and it stays in memory."""

import pytest
from playwright.sync_api import Page, expect

from ..real_services import GuardedService
from .tab import Tab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def use(page: Page, key: str) -> None:
    page.get_by_label("API key").fill(key)
    page.get_by_label("API key").press("Enter")


def check_not_kept(tab: Tab, key: str) -> None:
    """Check that the key is in no address, no storage and no field."""
    page = tab.page
    assert key not in page.url
    assert not [one for one in tab.requests if key in one]
    assert key not in page.content()
    assert page.get_by_label("API key").input_value() == ""
    assert page.evaluate("history.state") is None
    tab.check_silent()


def test_without_authentication_there_is_no_field(tab: Tab) -> None:
    page = tab.open()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_label("API key")).to_have_count(0)


@pytest.mark.parametrize("view", ["#estimate", "#files", "#operations"])
def test_every_view_holds_its_promises_before_a_key_is_entered(guarded_tab: Tab, view: str) -> None:
    page = guarded_tab.open(view)
    expect(page.get_by_label("API key")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    guarded_tab.check_view()


def test_a_key_prices_a_house_and_a_reload_forgets_it(guarded_tab: Tab, guarded: GuardedService) -> None:
    page, key = guarded_tab.open("#estimate"), guarded.keys["predict"]
    page.get_by_role("button", name="Fill in an example").click()
    page.get_by_role("button", name="Estimate the value").click()
    expect(page.get_by_role("alert")).to_contain_text("A key is needed")
    use(page, key)
    expect(page.get_by_text("Key in use. It is forgotten when you reload the page.")).to_be_visible()
    page.get_by_role("button", name="Estimate the value").click()
    expect(page.get_by_label("Result").get_by_text("$").first).to_be_visible()
    check_not_kept(guarded_tab, key)
    guarded_tab.check_view()
    page.reload()
    expect(page.get_by_text("Enter a key to use this page.")).to_be_visible()
    assert page.get_by_label("API key").input_value() == ""
    page.get_by_role("button", name="Fill in an example").click()
    page.get_by_role("button", name="Estimate the value").click()
    expect(page.get_by_role("alert")).to_contain_text("A key is needed")


@pytest.mark.parametrize("key", ["hp_wrong", "naïve", "two words", "x" * 9_000])
def test_a_wrong_key_is_explained_beside_its_field(guarded_tab: Tab, key: str) -> None:
    page = guarded_tab.open("#files")
    use(page, key)
    expect(page.get_by_text("This key is not valid")).to_be_visible()
    expect(page.get_by_label("API key")).to_be_focused()
    expect(page.get_by_label("API key")).to_have_attribute("aria-invalid", "true")
    guarded_tab.check_view()


def test_a_key_can_be_forgotten(guarded_tab: Tab, guarded: GuardedService) -> None:
    page = guarded_tab.open("#operations")
    use(page, guarded.keys["all"])
    expect(page.get_by_text("Ready. Houses are priced by")).to_be_visible()
    expect(page.get_by_role("table", name="Versions of the price model")).to_be_visible()
    page.get_by_role("button", name="Forget key").click()
    expect(page.get_by_text("The key is forgotten.")).to_be_visible()
    # The data that the key gave access to is gone.
    expect(page.get_by_role("table")).to_have_count(0)
    check_not_kept(guarded_tab, guarded.keys["all"])


def test_a_wrong_key_leaves_the_earlier_one_in_use(guarded_tab: Tab, guarded: GuardedService) -> None:
    page = guarded_tab.open("#operations")
    use(page, guarded.keys["all"])
    expect(page.get_by_role("table", name="Versions of the price model")).to_be_visible()
    use(page, "hp_wrong")
    expect(page.get_by_text("This key is not valid")).to_be_visible()
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_role("table", name="Versions of the price model")).to_be_visible()
