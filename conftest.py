"""Shared by the tests of all packages: one trained model, and which tests belong to `make test`."""

import fcntl
import os
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

CHAMPION_VARIABLE = "HOUSING_PRICE_CHAMPION"
"""Names a folder with an exported model that the tests use instead of training one."""

FULL_FOLDERS = {"integration", "container", "browser", "mlserver"}
FULL_MARKERS = {"stack", "container", "browser", "mlserver"}
"""Tests in these folders, or with these markers, run in `make test-all` only: they carry the marker `full`."""


def pytest_configure() -> None:
    """Handle Ctrl-C even if the tests were started in the background, where it is ignored and children inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `make test` leaves to `make test-all`."""
    for item in items:
        markers = {marker.name for marker in item.iter_markers()}
        if FULL_MARKERS & markers or FULL_FOLDERS & set(item.path.parts):
            item.add_marker("full")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the time of each group of tests: a package, and the folder in it."""
    seconds: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                parts = Path(report.nodeid.partition("::")[0]).parts[:-1]
                seconds["/".join(parts[: parts.index("tests") + 2])] += report.duration
    terminalreporter.section("time per group")
    for group, total in sorted(seconds.items(), key=lambda item: -item[1]):
        terminalreporter.write_line(f"{total:8.1f} s  {group}")


@pytest.fixture(scope="session")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train the model at full quality once for the whole run; returns its export: `model/` and `manifest.json`."""
    if exported := os.environ.get(CHAMPION_VARIABLE):
        return Path(exported)
    base = tmp_path_factory.getbasetemp()
    # Each parallel worker has a folder of its own in the folder of the run.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "champion"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "export").exists():
            _train(folder)
    return folder / "export"


def _train(folder: Path) -> None:
    options = ("--tracking-uri", f"sqlite:///{folder / 'mlflow.db'}", "--export-to", str(folder / "export"))
    # MLflow writes artefacts into the working directory.
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
