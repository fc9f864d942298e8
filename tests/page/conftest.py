"""Fixtures of the page's tests: an API that requires keys, and headless Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.chromium import CHROMIUM, FLAGS
from playwright.sync_api import Browser, sync_playwright

from ..real_services import GuardedService, ModelServer, Service, new_keys, running_api, variables_of
from .tab import Tab, opened


@pytest.fixture(scope="session")
def guarded(
    service: Service, model_servers: tuple[ModelServer, ModelServer], jobs_folder: Path
) -> Iterator[GuardedService]:
    """An API that requires keys; the worker of `service` prices its files."""
    assert service.url
    file = jobs_folder / "keys.json"
    keys = new_keys(file, {"all": ("predict", "jobs", "admin"), "predict": ("predict",), "jobs": ("predict", "jobs")})
    variables = variables_of(jobs_folder, *model_servers)
    with running_api(ORCHESTRATOR_AUTH__KEYS_FILE=str(file), **variables) as url:
        yield GuardedService(url, keys)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium. Of the module: Playwright's event loop must not outlive it."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not on the path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(browser: Browser, service: Service) -> Iterator[Tab]:
    """A new tab, without anything from an earlier one. `tab.open("#files")` opens a view of the page of `service`."""
    with opened(browser, service.url) as tab:
        yield tab


@pytest.fixture
def guarded_tab(browser: Browser, guarded: GuardedService) -> Iterator[Tab]:
    """A new tab for the page of an API that requires keys."""
    with opened(browser, guarded.url) as tab:
        yield tab
