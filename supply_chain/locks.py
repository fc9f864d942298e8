"""The lock files of this repository, and the images that are built from them."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from housing_price.stack.services import find_uv

REPOSITORY: Final = Path(__file__).resolve().parents[1]

LOCKS: Final = {
    "workspace": REPOSITORY,
    "mlserver": REPOSITORY / "housing-price-model" / "mlserver",
    "client_tools": REPOSITORY / "client_tools",
    "benchmarks/bentoml": REPOSITORY / "benchmarks" / "peers" / "bentoml",
    "benchmarks/litserve": REPOSITORY / "benchmarks" / "peers" / "litserve",
}
"""The folder of each `uv.lock`; a test checks that none is missing."""


@dataclass(frozen=True)
class Image:
    """A container image."""

    dockerfile: Path
    """The Dockerfile that builds it."""
    selection: tuple[str, ...]
    """Options of `uv sync` and `uv export` that select its packages from a lock."""
    extras: str | None = None
    """Value of the build argument `EXTRAS`, part of the selection; None for the default of the Dockerfile."""


IMAGES: Final = {
    "housing-price-orchestrator": Image(
        REPOSITORY / "housing-price-orchestrator" / "Dockerfile",
        # Includes gRPC and the drivers of Postgres and Redis, so that using them takes only a port or a URL.
        ("--package", "housing-price-orchestrator", "--extra", "grpc", "--extra", "postgres", "--extra", "redis"),
    ),
    "housing-price-orchestrator-worker": Image(
        REPOSITORY / "housing-price-orchestrator" / "Dockerfile",
        ("--package", "housing-price-orchestrator", "--extra", "postgres", "--extra", "worker"),
        "--extra postgres --extra worker",
    ),
    "housing-price-model": Image(
        REPOSITORY / "housing-price-model" / "Dockerfile",
        ("--package", "housing-price-model", "--extra", "postgres"),
    ),
    "mlflow-server": Image(
        REPOSITORY / "mlflow-server" / "Dockerfile", ("--package", "mlflow-server", "--extra", "postgres")
    ),
    "housing-price-mlserver": Image(
        REPOSITORY / "housing-price-model" / "mlserver" / "Dockerfile", ("--project", "housing-price-model/mlserver")
    ),
}


def export_lock(folder: Path, *options: str) -> str:
    """Run `uv export` on a lock without resolving again.

    Raises:
        subprocess.CalledProcessError: uv failed; it printed the reason to stderr.
    """
    # Otherwise uv would use the active environment, which belongs to another project.
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    command = [find_uv(), "export", "--frozen", "--quiet", *options]
    completed = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - uv, with fixed options
    return completed.stdout
