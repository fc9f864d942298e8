"""The model that all contenders serve: trained and exported once per state of its sources."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.paths import MODEL_PACKAGE, REPOSITORY, STATE, SURVEY
from benchmarks.processes import environment
from housing_price_platform.database.sqlite_file import sqlite_url

TRAINING_TIMEOUT_SECONDS: Final = 600
COMPARABLES: Final = "comparables"
"""Subfolder of an export with the comparables model."""


def exported() -> Path:
    """Return the folder of the exported model; train and export it first if these sources have no export yet."""
    folder = STATE / "models" / _sources_digest()
    export = folder / "export"
    if (export / "manifest.json").exists():
        return export
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tracking = ("--tracking-uri", sqlite_url(folder / "mlflow.db"))
    print("training the model", file=sys.stderr)  # noqa: T201 - progress
    # With a database as registry, MLflow writes artefacts below the working folder.
    _run_cli(folder, "train", *tracking, "--export-to", str(export))
    return export


def comparables_of(export: Path) -> Path:
    """Return the folder of the comparables model that training exported with a price model."""
    return export / COMPARABLES


def exported_variant() -> Path:
    """Return the folder of a second exported model, trained on every tenth house so that its prices differ."""
    folder = STATE / "models" / f"{_sources_digest()}-another"
    export = folder / "export"
    if (export / "manifest.json").exists():
        return export
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines = SURVEY.read_text(encoding="utf-8").splitlines(keepends=True)
    sample = folder / "few.csv"
    sample.write_text("".join([lines[0], *lines[1::10]]), encoding="utf-8")
    options = ("--data", str(sample), "--seed", "1", "--no-register", "--export-to", str(export))
    _run_cli(folder, "train", "--tracking-uri", sqlite_url(folder / "mlflow.db"), *options)
    return export


def model_id(export: Path) -> str:
    """Return the id of an exported model."""
    return str(json.loads((export / "manifest.json").read_bytes())["model_id"])


def _run_cli(folder: Path, command: str, *arguments: str) -> None:
    subprocess.run(  # noqa: S603 - this project's own command
        [sys.executable, "-m", "housing_price_model", command, *arguments],
        cwd=folder,
        env=environment(),
        stdout=sys.stderr,
        timeout=TRAINING_TIMEOUT_SECONDS,
        check=True,
    )


def _sources_digest() -> str:
    digest = hashlib.sha256()
    for path in [*sorted((MODEL_PACKAGE / "src").rglob("*.py")), SURVEY, REPOSITORY / "uv.lock"]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
