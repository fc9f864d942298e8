"""Takes the pictures of the page for the documents, of a running stack, with headless Chromium."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from benchmarks.chromium import CHROMIUM, FLAGS
from benchmarks.paths import REPOSITORY

IMAGES: Final = REPOSITORY / "docs" / "images"
HOUSE: Final = REPOSITORY / "examples" / "request-1461.json"

COLOURS: Final = 96
"""Colours of a picture: enough for text and areas, and a fifth of the size."""
TIMEOUT_MS: Final = 180_000
DESK: Final = (1_200, 960)
PHONE: Final = (390, 844)


class NoBrowser(Exception):
    """Chromium was not found."""


def take(url: str) -> list[Path]:
    """Take all pictures of the stack at `url`; returns the written files.

    Raises:
        NoBrowser: Chromium is not on the path.
    """
    if CHROMIUM is None:
        raise NoBrowser("Chromium is not on the path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            on_desk = _shots(browser, url, DESK, "light", SHOTS)
            return [*on_desk, *_shots(browser, url, PHONE, "dark", {"page-phone": _value})]
        finally:
            browser.close()


def _shots(
    browser: Browser, url: str, size: tuple[int, int], scheme: str, shots: Mapping[str, Callable[[Page], bytes]]
) -> list[Path]:
    """Take pictures one after the other in a tab of a size and colour scheme."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(TIMEOUT_MS)
    expect.set_options(timeout=TIMEOUT_MS)
    page = context.new_page()
    page.goto(url)
    written = []
    for name, shot in shots.items():
        path = IMAGES / f"{name}.png"
        _write_small(shot(page), path)
        written.append(path)
    context.close()
    return written


def _write_small(png: bytes, path: Path) -> None:
    """Write a picture with few colours, which compresses well."""
    with Image.open(io.BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(path, optimize=True)


def _estimate(page: Page) -> Locator:
    """Answer the questions with the example and return the result with its comparison."""
    page.get_by_role("button", name="Fill in an example").click()
    page.get_by_role("button", name="Estimate the value").click()
    result = page.get_by_role("region", name="Result")
    expect(result.locator(".result-grid")).to_be_visible(timeout=TIMEOUT_MS)
    return result


def _questions(page: Page) -> bytes:
    page.get_by_role("button", name="Fill in an example").click()
    expect(page.get_by_text("The example is filled in.")).to_be_visible()
    page.locator("h1").hover()
    return page.screenshot()


def _value(page: Page) -> bytes:
    _estimate(page).scroll_into_view_if_needed()
    page.evaluate("document.activeElement.blur()")
    return page.screenshot()


def _comparison(page: Page) -> bytes:
    page.get_by_label("Show the features that differ").uncheck()
    return page.locator("section").filter(has=page.locator(".result-grid")).last.screenshot()


def _what_if(page: Page) -> bytes:
    section = page.locator(".whatif")
    page.locator("#whatif-grLivArea").fill("1400")
    expect(section.locator(".whatif-status")).to_contain_text("The value is")
    page.evaluate("document.activeElement.blur()")
    return section.screenshot()


def _files(page: Page) -> bytes:
    """Price a file of two houses, of which one is invalid."""
    page.get_by_role("link", name="Files").click()
    house = json.loads(HOUSE.read_bytes())
    with TemporaryDirectory() as folder:
        file = Path(folder) / "houses.csv"
        with file.open("w", encoding="utf-8", newline="") as open_file:
            writer = csv.DictWriter(open_file, list(house))
            writer.writeheader()
            writer.writerows([house, {**house, "id": 1462, "kitchenQual": "Great"}])
        page.get_by_label("A CSV, NDJSON or Parquet file").set_input_files(file)
        page.get_by_role("button", name="Price this file").click()
        entry = page.get_by_role("listitem").filter(has_text=file.name)
        expect(entry).to_contain_text("1 row priced, 1 refused", timeout=TIMEOUT_MS)
    entry.get_by_role("button", name="Show refused rows").click()
    expect(entry.get_by_role("table")).to_be_visible()
    page.locator("h1").hover()
    page.evaluate("scrollTo(0, 0)")
    return page.screenshot()


def _operations(page: Page) -> bytes:
    page.get_by_role("link", name="Operations").click()
    expect(page.get_by_role("table", name="Versions of the price model")).to_be_visible()
    page.wait_for_load_state("networkidle")
    return page.screenshot()


SHOTS: Final = {
    "page-questions": _questions,
    "page-value": _value,
    "page-what-if": _what_if,
    "page-comparison": _comparison,
    "page-files": _files,
    "page-operations": _operations,
}
"""The pictures in the order in which they are taken: each starts where the one before ended."""
