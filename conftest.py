"""Shared by the tests of all packages: the trained model, databases, and the marker of tests for `make test-all`."""

import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.once_per_run import made_once
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from housing_price_platform.environment.variables import SharedVariable
from postgres import Postgres, find_programs, running_postgres
from small_disk import SmallDisk, mounted

# Parallel workers inherit the size of a terminal from readline. Consoles read it when they are created, at import.
for _variable in ("COLUMNS", "LINES"):
    os.environ.pop(_variable, None)

CHAMPION_VARIABLE = str(SharedVariable.CHAMPION)
"""Environment variable with the folder of an exported model, which the tests use instead of training one."""

FULL_FOLDERS = {"integration", "container", "browser", "mlserver"}
FULL_MARKERS = {"stack", "container", "browser", "mlserver"}
FULL_FIXTURES = {"champion", "postgres", "start"}
"""Tests in these folders, with these markers or with these fixtures run in `make test-all` only.

The fixtures are the model at full quality, a Postgres server (also as the parameter `postgres`), and whole stacks. The
marker `quick` is an exception for a test that shows one path through such a part.
"""

SHARING = (
    ("tests/page/", "tests/clients/", "tests/test_one_path.py"),
    ("housing-price-model/tests/lifecycle/",),
    ("tests/bulk/test_score.py", "tests/bulk/test_spark.py"),
)
"""Folders and files whose tests share fixtures of the session that are slow to make: running services, a registry."""

LONGEST_FIRST = ("container", "stack", "mlserver", "full")
"""Files with a test of these kinds run before the others, in this order."""


def pytest_configure() -> None:
    """Handle SIGINT even if the tests were started in the background, where shells ignore it for all children."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that only `make test-all` runs, and put the files that take longest first.

    Parallel workers take one file after the other, so a long file at the end would run alone.
    """
    ranks: dict[Path, int] = {}
    for item in items:
        markers = {marker.name for marker in item.iter_markers()}
        fixtures = {*getattr(item, "fixturenames", ())} | ({"postgres"} if _has_postgres(item) else set())
        is_full = FULL_MARKERS & markers or FULL_FOLDERS & set(item.path.parts) or FULL_FIXTURES & fixtures
        if is_full and "quick" not in markers:
            item.add_marker("full")
            markers.add("full")
        rank = next((rank for rank, name in enumerate(LONGEST_FIRST) if name in markers), len(LONGEST_FIRST))
        ranks[item.path] = min(rank, ranks.get(item.path, rank))
    items.sort(key=lambda item: ranks[item.path])


class _FilesThatShare(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each parallel worker one file after the other, and all files that share fixtures to the same worker."""

    def _split_scope(self, nodeid: str) -> str:
        return next((files[0] for files in SHARING if nodeid.startswith(files)), super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """Distribute tests by files, except where `SHARING` joins files."""
    return _FilesThatShare(config, log) if config.option.dist == "loadfile" else None


def _has_postgres(item: pytest.Item) -> bool:
    """Return whether a parameter of the test is `postgres`, for which fixtures request the server dynamically."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return any(isinstance(value, str) and value == "postgres" for value in parameters.values())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the total time of each group of tests, that is each folder below `tests`."""
    seconds: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                parts = Path(report.nodeid.partition("::")[0]).parts[:-1]
                seconds["/".join(parts[: parts.index("tests") + 2])] += report.duration
    terminalreporter.section("time per group")
    for group, total in sorted(seconds.items(), key=lambda item: -item[1]):
        terminalreporter.write_line(f"{total:8.1f} s  {group}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A small file system to be filled; skips the test where file systems may not be mounted."""
    with mounted(tmp_path / "small-disk") as disk:
        yield disk


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A Postgres server of this session. Tests take an empty database of it, and may freeze it for a moment."""
    programs = find_programs()
    if programs is None:
        pytest.skip("Postgres was not found (Debian: postgresql)")
    with running_postgres(programs) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of each kind that the prediction log may be in."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'log.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture(scope="session")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train the model at full quality once per run; returns its export with `model/` and `manifest.json`."""
    if exported := os.environ.get(CHAMPION_VARIABLE):
        return Path(exported)
    return made_once(tmp_path_factory, "champion", _train) / "export"


def _train(folder: Path) -> None:
    options = ("--tracking-uri", f"sqlite:///{folder / 'mlflow.db'}", "--export-to", str(folder / "export"))
    # MLflow writes artefacts to the working directory.
    trained = subprocess.run(  # noqa: S603 - a fixed command of this project
        [sys.executable, "-m", "housing_price_model", "train", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    assert trained.returncode == 0, f"training failed:\n{trained.stdout}"  # noqa: S101 - pytest asserts
