"""The pages that explain the API, as a person sees them, without the internet."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from benchmarks.chromium import CHROMIUM, FLAGS
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect, sync_playwright

from factories import house_json, new_key, settings_for
from housing_price_orchestrator.app import create_app
from servers import StubModelServer, served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not on the path"),
]


BOUNDED_MS = 60_000


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with StubModelServer() as stub, served(create_app(settings_for(stub.url))) as address:
        yield address


@dataclass
class Seen:
    """The requests and the error messages of a page."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def from_elsewhere(self, url: str) -> list[str]:
        """Requests that left this machine's application; what a page holds in itself is no request."""
        return [
            one for one in self.requests if urlsplit(one).scheme not in {"data", "blob"} and not one.startswith(url)
        ]


@dataclass
class Tab:
    page: Page
    seen: Seen


@pytest.fixture
def key(tmp_path: Path) -> str:
    return new_key(tmp_path / "keys.json")


@pytest.fixture
def guarded_url(tmp_path: Path, key: str) -> Iterator[str]:
    """The address of a service that asks for keys."""
    assert key
    groups = {"auth": {"keys_file": tmp_path / "keys.json"}}
    with StubModelServer() as stub, served(create_app(settings_for(stub.url, **groups))) as address:
        yield address


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=CHROMIUM,
            args=FLAGS,
            headless=True,
            viewport={"width": 1280, "height": 1600},
        )
        browser.set_default_timeout(BOUNDED_MS)
        yield browser
        browser.close()


@pytest.fixture
def tab(context: BrowserContext) -> Iterator[Tab]:
    page, seen = context.new_page(), Seen()

    def on_request(request: Request) -> None:
        seen.requests.append(request.url)

    def on_console(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            seen.complaints.append(f"{message.type}: {message.text}")

    page.on("request", on_request)
    page.on("console", on_console)
    page.on("pageerror", lambda error: seen.complaints.append(f"uncaught: {error}"))
    page.on("requestfailed", lambda request: seen.complaints.append(f"failed: {request.url}"))
    yield Tab(page, seen)
    page.close()


def operation(page: Page, path: str) -> Locator:
    """The block of one operation in Swagger UI, opened."""
    block = page.locator(".opblock").filter(has=page.locator(f'[data-path="{path}"]'))
    block.locator(".opblock-summary-control").click()
    return block


@pytest.mark.parametrize(("path", "sign"), [("/docs", ".opblock-summary"), ("/redoc", "[data-section-id='tag/price']")])
def test_a_page_needs_nothing_from_elsewhere_and_does_not_complain(
    tab: Tab, url: str, tmp_path: Path, path: str, sign: str
) -> None:
    tab.page.goto(url + path)
    expect(tab.page.locator(sign).first).to_be_visible(timeout=BOUNDED_MS)
    tab.page.wait_for_load_state("networkidle")
    tab.page.screenshot(path=tmp_path / "page.png")
    assert tab.seen.requests
    assert tab.seen.from_elsewhere(url) == []
    assert tab.seen.complaints == []


def test_the_reference_explains_the_words_of_a_feature(tab: Tab, url: str) -> None:
    tab.page.goto(url + "/redoc")
    table = tab.page.locator("table").filter(has_text="NridgHt").first
    row = table.get_by_role("row").filter(has_text="NAmes").first
    expect(row).to_contain_text("North Ames", timeout=BOUNDED_MS)


def test_try_it_out_prices_the_example_house(tab: Tab, url: str, tmp_path: Path) -> None:
    tab.page.goto(url + "/docs")
    block = operation(tab.page, "/api/v1/price/predict")
    block.get_by_role("button", name="Try it out").click()
    body = block.locator("textarea.body-param__text")
    # The example stands there as it is, ready to be sent.
    assert house_json() == tab.page.evaluate("text => JSON.parse(text)", body.input_value())
    tab.page.screenshot(path=tmp_path / "filled-in.png")
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response").first
    expect(answer).to_contain_text("200", timeout=BOUNDED_MS)
    expect(answer).to_contain_text(re.compile(r'"predictedPrice":\s*[0-9.]+'))
    answer.scroll_into_view_if_needed()
    tab.page.screenshot(path=tmp_path / "priced.png")
    assert tab.seen.from_elsewhere(url) == []
    assert tab.seen.complaints == []


def test_try_it_out_shows_what_is_wrong_with_a_house(tab: Tab, url: str, tmp_path: Path) -> None:
    tab.page.goto(url + "/docs")
    block = operation(tab.page, "/api/v1/price/predict")
    block.get_by_role("button", name="Try it out").click()
    body = block.locator("textarea.body-param__text")
    body.fill(body.input_value().replace('"Pave"', '"Dummy"'))
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response").first
    expect(answer).to_contain_text("422", timeout=BOUNDED_MS)
    expect(answer).to_contain_text("Input should be 'Grvl' or 'Pave'")
    answer.scroll_into_view_if_needed()
    tab.page.screenshot(path=tmp_path / "refused.png")


def test_the_batch_can_be_tried_as_well(tab: Tab, url: str) -> None:
    tab.page.goto(url + "/docs")
    block = operation(tab.page, "/api/v1/price/predict/batch")
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table .response").first).to_contain_text(
        re.compile(r'"predictions":\s*\['), timeout=BOUNDED_MS
    )


@pytest.mark.parametrize("scheme", ["bearer", "apiKey"])
def test_authorize_makes_try_it_out_send_the_key(
    tab: Tab, guarded_url: str, key: str, scheme: str, tmp_path: Path
) -> None:
    page = tab.page
    page.goto(guarded_url + "/docs")
    block = operation(page, "/api/v1/price/predict")
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response").first
    expect(answer).to_contain_text("401", timeout=BOUNDED_MS)
    expect(answer).to_contain_text("www-authenticate")
    page.locator("button.btn.authorize").first.click()
    dialog = page.locator(".modal-ux")
    form = dialog.locator(".auth-container").filter(has_text=re.compile(rf"^{scheme}\b"))
    form.locator("input").fill(key)
    form.get_by_role("button", name="Apply credentials").click()
    page.screenshot(path=tmp_path / "authorized.png")
    dialog.get_by_role("button", name="Close").first.click()
    block.get_by_role("button", name="Execute").click()
    expect(answer).to_contain_text("200", timeout=BOUNDED_MS)
    expect(answer).to_contain_text(re.compile(r'"predictedPrice":\s*[0-9.]+'))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("curl", "--data @house.json"),
        ("Python", 'api.post("/api/v1/price/predict", json=house)'),
        ("JavaScript", "console.log(priced.predictedPrice, priced.priceInterval);"),
    ],
)
def test_the_reference_shows_a_code_sample_in_each_language(
    tab: Tab, url: str, tmp_path: Path, language: str, text: str
) -> None:
    tab.page.goto(f"{url}/redoc#operation/predict")
    section = tab.page.locator("[id='operation/predict']")
    section.get_by_role("tab", name=language, exact=True).click()
    expect(section).to_contain_text(text, timeout=BOUNDED_MS)
    section.scroll_into_view_if_needed()
    tab.page.screenshot(path=tmp_path / "sample.png")
    assert tab.seen.complaints == []


def test_the_reference_shows_an_example_of_each_problem_of_a_status(tab: Tab, url: str, tmp_path: Path) -> None:
    tab.page.goto(f"{url}/redoc#operation/predict")
    section = tab.page.locator("[id='operation/predict']")
    section.get_by_role("tab", name="503", exact=True).click()
    choice = section.locator("select").filter(has_text="Queue full")
    expect(choice).to_have_count(1, timeout=BOUNDED_MS)
    choice.select_option(label="Circuit open: the model server is failing")
    expect(section).to_contain_text("urn:housing-price:problem:circuit-open")
    section.scroll_into_view_if_needed()
    tab.page.screenshot(path=tmp_path / "problem.png")
    assert tab.seen.complaints == []
