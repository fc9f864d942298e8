"""Fixtures of the tests of clients: the generated clients, and real services that they call."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from client_tools.__main__ import NOT_INSTALLED

from factories import new_key

from ..documents import REPOSITORY
from ..once_per_run import made_once
from ..real_services import ModelServer, Service, running_api, variables_of

GENERATION_SECONDS = 550


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all generated clients, made once per run of the tests.

    Skips the test where Node or the packages of the generators are missing, except in CI.
    """
    folder = made_once(tmp_path_factory, "clients", _generate)
    status, printed = int((folder / "status").read_text()), (folder / "printed").read_text()
    if status == NOT_INSTALLED and "CI" not in os.environ:
        pytest.skip(printed.strip())
    assert status == 0, printed
    return folder


def _generate(folder: Path) -> None:
    command = [sys.executable, "-m", "client_tools", "--to", str(folder)]
    made = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=GENERATION_SECONDS, check=False
    )
    (folder / "printed").write_text(made.stdout + made.stderr)
    (folder / "status").write_text(str(made.returncode))


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
def stack(
    service: Service, model_servers: tuple[ModelServer, ModelServer], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """The shared services, and an API with a key and a limit beside them."""
    folder = tmp_path_factory.mktemp("limited-api")
    key = new_key(folder / "keys.json", "predict")
    limits = {
        "ORCHESTRATOR_AUTH__KEYS_FILE": str(folder / "keys.json"),
        "ORCHESTRATOR_RATE_LIMIT__REQUESTS": "1/2 seconds",
    }
    with running_api(**variables_of(folder, *model_servers), **limits) as limited_url:
        yield Stack(service.url, limited_url, key)
