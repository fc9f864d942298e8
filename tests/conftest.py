"""Fixtures of the tests of several packages: stacks, and real services that many tests share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from .once_per_run import made_once
from .real_services import ModelServer, Service, running_api, start_command, variables_of
from .running import Up


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Return a function that starts `housing-price up` with fake services. All are stopped after the test."""
    started: list[Up] = []

    def start(*options: str, state: Path = tmp_path / "state", fakes: bool = True, **changes: Any) -> Up:
        up = Up(state, *options, fakes=fakes, **changes)
        started.append(up)
        return up

    yield start
    for up in started:
        up.end()


@pytest.fixture(scope="session")
def quick_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of a price model and a comparables model that were trained quickly, once per run."""
    from .quick_models import EXPORT, train_quick_models  # noqa: PLC0415  # slow import

    return made_once(tmp_path_factory, "quick-models", train_quick_models) / EXPORT


@pytest.fixture(scope="session")
def model_servers(quick_models: Path) -> Iterator[tuple[ModelServer, ModelServer]]:
    """The price server and the comparables server of `quick_models`."""
    with ModelServer(quick_models) as price, ModelServer(quick_models / "comparables") as comparables:
        yield price, comparables


@pytest.fixture(scope="session")
def jobs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the queue and the files of the jobs of `service`."""
    return tmp_path_factory.mktemp("jobs-of-the-service")


@pytest.fixture(scope="session")
def service(model_servers: tuple[ModelServer, ModelServer], jobs_folder: Path) -> Iterator[Service]:
    """An API without keys, with both models, jobs and a scoring worker: all real."""
    variables = variables_of(jobs_folder, *model_servers)
    with ExitStack() as stack:
        url = stack.enter_context(running_api(**variables))
        # After the API, which creates the tables of the queue.
        start_command(stack, "housing_price_orchestrator", "worker", **variables)
        found = Service(url, model_servers[1])
        found.wait_for_comparables()
        yield found
