"""Real processes on free ports."""

import sys
from collections.abc import Iterator

import httpx
import pytest

from servers import LISTENS, Process

MLFLOW, MLSERVER = "model_server", "mlserver"


@pytest.fixture(scope="module", params=[MLFLOW, pytest.param(MLSERVER, marks=pytest.mark.mlserver)])
def kind(request: pytest.FixtureRequest) -> str:
    """Which model server stands behind: MLflow's own, then MLServer."""
    return str(request.param)


@pytest.fixture(scope="module")
def orchestrator(request: pytest.FixtureRequest, kind: str) -> Iterator[str]:
    """The address of the shipped program, in front of the real model server."""
    model_server: str = request.getfixturevalue(kind)
    with Process(
        *(sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0"),
        ORCHESTRATOR_MODEL_SERVER__BASE_URL=model_server,
        # Tests share two cores; how fast it is does not decide them.
        ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS="60",
        ORCHESTRATOR_READINESS__PROBE_TIMEOUT_SECONDS="60",
    ) as process:
        yield process.says(LISTENS)[1]


@pytest.fixture(scope="module")
def http(orchestrator: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=orchestrator, timeout=60, trust_env=False) as client:
        yield client
