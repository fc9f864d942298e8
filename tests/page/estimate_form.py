"""Steps in the form of the view "Estimate"."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

from playwright.sync_api import Locator, Page, expect

from .tab import BOUNDED_MS

ESTIMATE: Final = "/api/v1/valuation/estimate"


def form(page: Page) -> Locator:
    return page.locator(".estimate-form")


def answer(page: Page, title: str, value: str) -> None:
    """Answer a question, by the label of the word or with a number."""
    control = form(page).get_by_label(title).first
    if control.evaluate("one => one.tagName") == "SELECT":
        control.select_option(label=value)
    else:
        control.fill(value)


def group(page: Page, title: str) -> Locator:
    return page.locator(".group", has=page.locator(".group-title").get_by_text(title, exact=True))


def estimate(page: Page) -> None:
    page.get_by_role("button", name="Estimate the value").click()


def expect_result(page: Page) -> None:
    expect(page.locator(".estimate-result h2").first).to_be_visible(timeout=BOUNDED_MS)


def sent_with(page: Page, action: Callable[[], object]) -> dict[str, Any]:
    """Do `action`, and return the body of the request for a price that it causes."""
    with page.expect_request(lambda request: request.method == "POST", timeout=BOUNDED_MS) as caught:
        action()
    return {"path": re.sub(r"^https?://[^/]+", "", caught.value.url), "body": json.loads(caught.value.post_data or "")}
