"""What the tests of all packages share: one trained model."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CHAMPION_VARIABLE = "HOUSING_PRICE_CHAMPION"
"""Names a folder that holds an exported model, so that a quick local run need not train one."""


def pytest_configure() -> None:
    """Take Ctrl-C: tests that were started in the background ignore it, and what they start would, too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The stack's first start trains anyway: with it in front, whoever needs a trained model takes that one."""
    items.sort(key=lambda item: "first_start" not in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def trained_exports() -> list[Path]:
    """Exports at full quality that tests trained on their way and leave as they are."""
    return []


@pytest.fixture(scope="session")
def champion(tmp_path_factory: pytest.TempPathFactory, trained_exports: list[Path]) -> Path:
    """The model at full quality, trained once for the whole run and exported: `model/` and `manifest.json`."""
    if exported := os.environ.get(CHAMPION_VARIABLE):
        return Path(exported)
    if trained_exports:
        return trained_exports[0]
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
