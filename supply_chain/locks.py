"""The locks of this repository, and what is made from them."""

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
    "benchmarks/bentoml": REPOSITORY / "benchmarks" / "peers" / "bentoml",
    "benchmarks/litserve": REPOSITORY / "benchmarks" / "peers" / "litserve",
}
"""The folder of each `uv.lock`; a test looks for others."""


@dataclass(frozen=True)
class Image:
    """A container image.

    Attributes:
        dockerfile: What builds it.
        selection: Which packages of which lock it holds, as options of `uv sync` and `uv export`.
        extras: The build argument `EXTRAS`, a part of the selection; None leaves it as the Dockerfile has it.
    """

    dockerfile: Path
    selection: tuple[str, ...]
    extras: str | None = None


IMAGES: Final = {
    "housing-price-orchestrator": Image(
        REPOSITORY / "housing-price-orchestrator" / "Dockerfile",
        # The drivers of Postgres and Redis, so that an address is all that they take.
        ("--package", "housing-price-orchestrator", "--extra", "postgres", "--extra", "redis"),
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
    "mlflow-server": Image(REPOSITORY / "mlflow-server" / "Dockerfile", ("--package", "mlflow-server")),
    "housing-price-mlserver": Image(
        REPOSITORY / "housing-price-model" / "mlserver" / "Dockerfile", ("--project", "housing-price-model/mlserver")
    ),
}


def export_lock(folder: Path, *options: str) -> str:
    """Run `uv export` on a lock as it is; nothing is resolved anew.

    Raises:
        subprocess.CalledProcessError: uv refuses; its own words are on stderr.
    """
    # Another project's environment must not be taken for this one's.
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    command = [find_uv(), "export", "--frozen", "--quiet", *options]
    ended = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - uv itself
    return ended.stdout
