"""Fixtures of the page's tests: real services, and headless Chromium."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

import pytest
from benchmarks.chromium import CHROMIUM, FLAGS
from playwright.sync_api import Browser, sync_playwright

with warnings.catch_warnings():
    # Importing MLflow warns about its own type hints; all later warnings are errors.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")

from housing_price_model.training.train import train

from ..lifecycle_store import QUICK, every_tenth_house, new_store
from .services import GuardedService, ModelServer, Service, new_keys, running_api, start, variables_of
from .tab import Tab, opened


@pytest.fixture(scope="session")
def exported_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of a price model and a comparables model that were trained quickly."""
    folder = tmp_path_factory.mktemp("models-of-the-page")
    with warnings.catch_warnings():
        # MLflow's own code uses what SQLAlchemy and pandas deprecate.
        warnings.simplefilter("ignore")
        train(new_store(folder), every_tenth_house(folder / "few.csv"), recipe=QUICK, export_to=folder / "export")
    return folder / "export"


@pytest.fixture(scope="session")
def model_servers(exported_models: Path) -> Iterator[tuple[ModelServer, ModelServer]]:
    """The price server and the comparables server."""
    with ModelServer(exported_models) as price, ModelServer(exported_models / "comparables") as comparables:
        yield price, comparables


@pytest.fixture(scope="session")
def jobs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the queue and the files of jobs."""
    return tmp_path_factory.mktemp("jobs-of-the-page")


@pytest.fixture(scope="session")
def service(model_servers: tuple[ModelServer, ModelServer], jobs_folder: Path) -> Iterator[Service]:
    """An API without keys, with both models, jobs and a scoring worker: all real."""
    variables = variables_of(jobs_folder, *model_servers)
    with ExitStack() as stack:
        url = stack.enter_context(running_api(**variables))
        start(stack, "housing_price_orchestrator", "worker", **variables)
        found = Service(url, model_servers[1])
        found.wait_for_comparables()
        yield found


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
