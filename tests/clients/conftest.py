"""Fixtures of the tests of clients: the generated clients, and real services that they call."""

import fcntl
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest
from client_tools.__main__ import NOT_INSTALLED

with warnings.catch_warnings():
    # Importing MLflow warns about its own type hints; all later warnings are errors.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")

from factories import new_key
from housing_price_model.training.train import train
from servers import LISTENS, Process

from ..documents import REPOSITORY
from ..lifecycle_store import QUICK, every_tenth_house, new_store

GENERATION_SECONDS = 550


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all generated clients, made once per run of the tests.

    Skips the test where Node or the packages of the generators are missing, except in CI.
    """
    base = tmp_path_factory.getbasetemp()
    # The base folder of a parallel worker lies inside the folder of the run, which all workers share.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "clients"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "status").exists():
            command = [sys.executable, "-m", "client_tools", "--to", str(folder)]
            made = subprocess.run(
                command, cwd=REPOSITORY, capture_output=True, text=True, timeout=GENERATION_SECONDS, check=False
            )
            (folder / "printed").write_text(made.stdout + made.stderr)
            (folder / "status").write_text(str(made.returncode))
    status, printed = int((folder / "status").read_text()), (folder / "printed").read_text()
    if status == NOT_INSTALLED and "CI" not in os.environ:
        pytest.skip(printed.strip())
    assert status == 0, printed
    return folder


@dataclass(frozen=True)
class Stack:
    """Real services behind two addresses."""

    url: str
    """An API without keys, with both models, jobs and a scoring worker."""
    limited_url: str
    """An API that requires a key and answers one request in two seconds, with the same models."""
    key: str
    """A key of the second API."""


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The services, with models that were trained quickly."""
    folder = tmp_path_factory.mktemp("stack-of-clients")
    with warnings.catch_warnings():
        # MLflow's own code uses what SQLAlchemy and pandas deprecate.
        warnings.simplefilter("ignore")
        train(new_store(folder), every_tenth_house(folder / "few.csv"), recipe=QUICK, export_to=folder / "export")
    key = new_key(folder / "keys.json", "predict")
    with ExitStack() as stack:

        def start(package: str, /, *arguments: str, **variables: str) -> Process:
            return stack.enter_context(Process(sys.executable, "-m", package, *arguments, **variables))

        price, comparables = (
            start("housing_price_model", "serve", "--model", str(folder / "export" / model), "--port", "0")
            for model in (".", "comparables")
        )
        variables = {
            "ORCHESTRATOR_MODEL_SERVER__BASE_URL": price.says(LISTENS)[1],
            "ORCHESTRATOR_COMPARABLES__BASE_URL": comparables.says(LISTENS)[1],
            # Generous, so that a busy machine does not fail a test.
            "ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS": "60",
            "ORCHESTRATOR_COMPARABLES__DEADLINE_SECONDS": "30",
        }
        jobs = {
            "ORCHESTRATOR_JOBS__DATABASE_URL": f"sqlite:///{folder / 'jobs.db'}",
            "ORCHESTRATOR_JOBS__FOLDER": str(folder / "jobs"),
        }
        limits = {
            "ORCHESTRATOR_AUTH__KEYS_FILE": str(folder / "keys.json"),
            "ORCHESTRATOR_RATE_LIMIT__REQUESTS": "1/2 seconds",
        }
        serve = ("housing_price_orchestrator", "serve", "--port", "0")
        api, limited = start(*serve, **variables, **jobs), start(*serve, **variables, **limits)
        url, limited_url = api.says(LISTENS)[1], limited.says(LISTENS)[1]
        # After the API, which creates the tables of the queue.
        start("housing_price_orchestrator", "worker", **variables, **jobs)
        yield Stack(url, limited_url, key)
