"""The models that the tests of bulk scoring price with."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

import httpx
import pytest

with warnings.catch_warnings():
    # Importing MLflow warns about its own type hints; all later warnings are errors.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")

from factories import survey_houses
from housing_price_model.training.train import train
from servers import LISTENS, Process

from ..lifecycle_store import QUICK, every_tenth_house, new_store
from .files import write_houses
from .scoring import LargeJob, job_results, mixed_houses


@pytest.fixture(scope="session")
def small_export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported model that trains in a second."""
    folder = tmp_path_factory.mktemp("small-model")
    with warnings.catch_warnings():
        # MLflow's own code uses what SQLAlchemy and pandas deprecate.
        warnings.simplefilter("ignore")
        train(new_store(folder), every_tenth_house(folder / "few.csv"), recipe=QUICK, export_to=folder / "export")
    return folder / "export"


@pytest.fixture(scope="session")
def api(champion: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the API, with a model server and a scoring worker, all of the champion."""
    folder = tmp_path_factory.mktemp("api")
    with ExitStack() as stack:

        def start(package: str, *arguments: str, **variables: str) -> Process:
            return stack.enter_context(Process(sys.executable, "-m", package, *arguments, **variables))

        model_server = start("housing_price_model", "serve", str(champion), "--port", "0")
        variables = {
            "ORCHESTRATOR_MODEL_SERVER__BASE_URL": model_server.says(LISTENS)[1],
            "ORCHESTRATOR_JOBS__DATABASE_URL": f"sqlite:///{folder / 'jobs.db'}",
            "ORCHESTRATOR_JOBS__FOLDER": str(folder / "jobs"),
            # Generous, so that a busy machine does not fail a test.
            "ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS": "60",
        }
        orchestrator = start("housing_price_orchestrator", "serve", "--port", "0", **variables)
        url = orchestrator.says(LISTENS)[1]
        start("housing_price_orchestrator", "worker", **variables)
        yield stack.enter_context(httpx.Client(base_url=url, timeout=60, trust_env=False))


@pytest.fixture(scope="session")
def large_job(api: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> LargeJob:
    """A file of 100,000 rows and the prices of the API."""
    houses = [*mixed_houses(), *survey_houses()]
    many = [house | {"id": number} for number, house in enumerate(houses * 31, 1)][:100_000]
    source = write_houses(tmp_path_factory.mktemp("large") / "houses.csv", many)
    return LargeJob(source, job_results(api, source))
