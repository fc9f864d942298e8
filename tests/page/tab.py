"""A browser tab that records what the page requests and complains about, and the checks that hold in every view."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

BOUNDED_MS: Final = 60_000
# A busy machine must not fail a test.
expect.set_options(timeout=BOUNDED_MS)

MAX_PAGE_BYTES: Final = 150_000
WIDTHS: Final = (360, 800, 1_600)
API_PATHS: Final = ("/api/", "/readyz")
_IN_ITSELF: Final = {"data", "blob", "about"}


@dataclass
class Tab:
    """One tab of a browser context of its own."""

    page: Page
    context: BrowserContext
    url: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """Errors and warnings of the console, uncaught errors and failed requests."""

    def open(self, view: str = "") -> Page:
        """Open the page, with a view such as `#files`."""
        self.page.goto(f"{self.url}/{view}")
        return self.page

    @property
    def requests_elsewhere(self) -> list[str]:
        """Requests to another server."""
        return [one for one in self.requests if urlsplit(one).scheme not in _IN_ITSELF and not one.startswith(self.url)]

    def record_request(self, request: Request) -> None:
        self.requests.append(request.url)

    def record_message(self, message: ConsoleMessage) -> None:
        """Record a message of the console, except for the lines that Chromium writes for refusals by the API."""
        if message.type not in {"error", "warning"}:
            return
        path = urlsplit(message.location.get("url", "")).path
        if message.text.startswith("Failed to load resource: the server responded") and path.startswith(API_PATHS):
            return
        self.complaints.append(f"{message.type}: {message.text}")

    def check_silent(self) -> None:
        """Check that the page had no errors, asked no other server and stored nothing."""
        assert self.complaints == []
        assert self.requests
        assert self.requests_elsewhere == []
        assert self.context.cookies() == []
        assert self.page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]

    def check_accessible(self) -> None:
        """Check that axe-core finds no violation, with a light and with a dark colour scheme."""
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = Axe().run(self.page).response["violations"]
            shown = [{"rule": one["id"], "nodes": [node["html"] for node in one["nodes"]]} for one in found]
            assert not found, f"{scheme}: {json.dumps(shown, indent=1)}"

    def check_fits(self) -> None:
        """Check that nothing is wider than the window, from a phone to a wide screen."""
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 900})
            assert self.too_wide() == [], f"at {width} px"

    def too_wide(self) -> list[Any]:
        """Return the width of the page and its parts that are wider than the window; empty if all fits."""
        found: list[Any] = self.page.evaluate(_TOO_WIDE)
        return found

    def check_view(self) -> None:
        """Check everything that holds in every view and state."""
        self.check_accessible()
        self.check_fits()
        self.check_silent()


_TOO_WIDE: Final = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const scrolls = (node) => node && node !== root && (
    ["auto", "scroll", "hidden"].includes(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
  const wide = [...document.body.querySelectorAll("*")]
    .filter((one) => one.getBoundingClientRect().right > root.clientWidth + 1 && !scrolls(one.parentElement))
    .map((one) => one.outerHTML.slice(0, 120));
  return [`${root.scrollWidth} px`, ...wide];
}"""


@contextlib.contextmanager
def opened(browser: Browser, url: str, **options: Any) -> Iterator[Tab]:
    """Open a tab in a browser context of its own, for the page at `url`."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
    context.set_default_timeout(BOUNDED_MS)
    tab = Tab(context.new_page(), context, url)
    tab.page.on("request", tab.record_request)
    tab.page.on("console", tab.record_message)
    tab.page.on("pageerror", lambda error: tab.complaints.append(f"uncaught: {error}"))
    yield tab
    context.close()
