"""The contenders: their names, commands and request formats.

The letters in the names refer to the table in README.md.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks import houses
from benchmarks.houses import RequestFormat
from benchmarks.paths import MLSERVER, PEERS, REPOSITORY, STATE
from benchmarks.processes import find_uv

STUB: Final = "stub"
STOCK_MLFLOW: Final = "a0 mlflow models serve"
OUR_MODEL_SERVER: Final = "a our serve"
STRAIGHTFORWARD: Final = "b straightforward"
OURS: Final = "c ours"
UNLOGGED: Final = "c ours without prediction log"
OURS_OVER_MLSERVER: Final = "d ours over MLServer"
LITSERVE: Final = "e LitServe"
BENTOML: Final = "f BentoML"
MLSERVER_BEHIND: Final = "MLServer"

STRAIGHTFORWARD_OVER_STUB: Final = "b straightforward, over the stub"
SHIPPED_OVER_STUB: Final = "ours as shipped, over the stub"
UNLOGGED_OVER_STUB: Final = "ours without prediction log, over the stub"
QUIET_OVER_STUB: Final = "ours quiet, over the stub"
QUIET_OVER_STUB_2_WORKERS: Final = "ours quiet, 2 workers, over the stub"

WITHOUT_PREDICTION_LOG: Final = {"ORCHESTRATOR_PREDICTION_LOG__ENABLED": "false"}

QUIET: Final = {"ORCHESTRATOR_LOG__LEVEL": "error", "ORCHESTRATOR_METRICS__ENABLED": "false", **WITHOUT_PREDICTION_LOG}
"""Settings that turn off logs, metrics and prediction log."""


@dataclass(frozen=True)
class Contender:
    """A server, or an orchestrator with its model server, that is measured."""

    name: str
    """Its name in the results."""
    request_format: RequestFormat
    """Its paths and request bodies."""
    command: Callable[[int, int], Sequence[str]]
    """Builds its command from its port and the port of the server behind it."""
    ready: str
    """Path that answers 200 once it is ready."""
    behind: str | None = None
    """Name of the contender that it calls, if any."""
    variables: Callable[[int, int], Mapping[str, str]] = field(default=lambda _port, _behind: {})
    """Builds its environment variables from the same ports."""
    marker: str = '"price"'
    """Text that precedes a price in its answers."""
    cwd: Path = REPOSITORY
    """Its working folder."""


def all_contenders(export: Path) -> dict[str, Contender]:
    """Return all contenders by name, for an exported model."""
    model = str(export / "model")
    listed = [
        Contender(STUB, houses.INVOCATIONS, lambda port, _: _python("benchmarks.stub", str(port)), "/ping"),
        Contender(
            STOCK_MLFLOW,
            houses.INVOCATIONS,
            lambda port, _: _python("mlflow", "models", "serve", "-m", model, "--env-manager", "local", *_listen(port)),
            "/ping",
        ),
        Contender(
            OUR_MODEL_SERVER,
            houses.INVOCATIONS,
            lambda port, _: _python("housing_price_model", "serve", "--model", str(export), *_listen(port)),
            "/ping",
        ),
        Contender(
            MLSERVER_BEHIND,
            houses.INVOCATIONS,
            lambda port, _: _uv_run(MLSERVER, "housing-price-mlserver", str(export), *_listen(port)),
            "/ping",
        ),
        _straightforward(STRAIGHTFORWARD, OUR_MODEL_SERVER),
        _straightforward(STRAIGHTFORWARD_OVER_STUB, STUB),
        _ours(OURS, OUR_MODEL_SERVER),
        _ours(UNLOGGED, OUR_MODEL_SERVER, WITHOUT_PREDICTION_LOG),
        _ours(OURS_OVER_MLSERVER, MLSERVER_BEHIND),
        _ours(SHIPPED_OVER_STUB, STUB),
        _ours(UNLOGGED_OVER_STUB, STUB, WITHOUT_PREDICTION_LOG),
        _ours(QUIET_OVER_STUB, STUB, QUIET),
        _ours(QUIET_OVER_STUB_2_WORKERS, STUB, {**QUIET, "ORCHESTRATOR_SERVER__WORKERS": "2"}),
        Contender(
            LITSERVE,
            houses.LITSERVE,
            lambda port, _: _uv_run(PEERS / "litserve", "python", "server.py", str(export), str(port)),
            "/health",
            cwd=PEERS / "litserve",
        ),
        Contender(
            BENTOML,
            houses.BENTOML,
            lambda port, _: _uv_run(PEERS / "bentoml", "bentoml", "serve", "service:HousePrices", *_listen(port)),
            "/readyz",
            variables=lambda _port, _behind: {"BENCHMARK_MODEL": str(export), "BENTOML_HOME": str(STATE / "bentoml")},
            cwd=PEERS / "bentoml",
        ),
    ]
    return {contender.name: contender for contender in listed}


def _ours(name: str, behind: str, extra: Mapping[str, str] | None = None) -> Contender:
    def variables(port: int, behind_port: int) -> Mapping[str, str]:
        return {
            "ORCHESTRATOR_SERVER__PORT": str(port),
            "ORCHESTRATOR_MODEL_SERVER__BASE_URL": f"http://127.0.0.1:{behind_port}",
            **(extra or {}),
        }

    return Contender(
        name,
        houses.PUBLIC,
        lambda _port, _behind: _python("housing_price_orchestrator", "serve"),
        "/readyz",
        behind,
        variables,
        marker='"predictedPrice"',
    )


def _straightforward(name: str, behind: str) -> Contender:
    return Contender(
        name,
        houses.PUBLIC,
        lambda port, _: _python(
            "uvicorn", "benchmarks.straightforward.app:app", "--no-access-log", "--log-level", "warning", *_listen(port)
        ),
        "/openapi.json",
        behind,
        lambda _, behind_port: {"MODEL_SERVER_URL": f"http://127.0.0.1:{behind_port}"},
        marker='"predictedPrice"',
    )


def _listen(port: int) -> tuple[str, ...]:
    return ("--host", "127.0.0.1", "--port", str(port))


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _uv_run(folder: Path, *command: str) -> tuple[str, ...]:
    return (find_uv(), "run", "--frozen", "--project", str(folder), *command)
