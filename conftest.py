"""What the tests of all packages share: one trained model."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHAMPION_VARIABLE = "HOUSING_PRICE_CHAMPION"
"""Names a folder that holds an exported model, so that a quick local run need not train one."""


@pytest.fixture(scope="session")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model at full quality, trained once for the whole run and exported: `model/` and `manifest.json`."""
    if exported := os.environ.get(CHAMPION_VARIABLE):
        return Path(exported)
    folder = tmp_path_factory.mktemp("champion")
    options = ("--tracking-uri", f"sqlite:///{folder / 'mlflow.db'}", "--export-to", str(folder / "export"))
    # MLflow writes artefacts beside where it runs.
    trained = subprocess.run(  # noqa: S603 - the project's own command
        [sys.executable, "-m", "housing_price_model", "train", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    assert trained.returncode == 0, f"training failed:\n{trained.stdout}"  # noqa: S101 - pytest asserts
    return folder / "export"
