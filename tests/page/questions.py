"""Answers questions of the page, and asks for the estimate."""

from collections.abc import Mapping
from typing import Any, Final

from playwright.sync_api import Locator, Page

from factories import house_json

FACTS: Final[Mapping[str, Any]] = {
    "neighborhood": "NAmes",
    "overallQual": 5,
    "yearBuilt": 1961,
    "grLivArea": 896,
    "lotArea": 11_622,
}
"""The four facts that an estimate needs, and one more."""

WHOLE_HOUSE: Final[Mapping[str, Any]] = {key: value for key, value in house_json().items() if key != "id"}
"""Every feature of the example house: the page asks for its valuation."""

_ANSWER: Final = """facts => {
  for (const [key, value] of Object.entries(facts)) {
    const input = document.getElementById(`question-${key}`);
    const none = document.getElementById(`question-${key}-none`);
    if (value !== null) {
      input.value = String(value);
      if (input.value !== String(value)) throw new Error(`${key} has no answer ${value}`);
    } else if (none) {
      none.click();
    } else if (input.options?.[1].value === "") {
      // The answer after "Not known", such as "No basement".
      input.selectedIndex = 1;
    }
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
}"""


def answer(page: Page, facts: Mapping[str, Any]) -> None:
    """Answer questions by the keys of their fields; None says that the house has none, where a person can say so."""
    page.get_by_role("button", name="Estimate the value").wait_for()
    # In one step: 79 questions would take a person, and a busy machine, a minute.
    page.evaluate(_ANSWER, dict(facts))


def ask(page: Page) -> None:
    page.get_by_role("button", name="Estimate the value").click()


def estimate(page: Page, facts: Mapping[str, Any] = FACTS) -> Locator:
    """Answer, ask for the estimate, and return the result once it is shown."""
    answer(page, facts)
    ask(page)
    result = page.get_by_role("region", name="Result")
    result.get_by_role("heading", name="Value", exact=True).wait_for()
    return result
