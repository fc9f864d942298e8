"""Names of workers: one worker of each name, and an error that the command line reports."""

from pathlib import Path

import pytest

from housing_price_model.errors import JobsError
from housing_price_model.worker.process import _hold_name
from housing_price_platform.jobs.worker_lock import WorkerLocks


@pytest.fixture
def locks(tmp_path: Path) -> WorkerLocks:
    return WorkerLocks(tmp_path, prefix=".")


def test_lock_file_is_where_the_health_checks_of_the_containers_look(locks: WorkerLocks, tmp_path: Path) -> None:
    with _hold_name(locks, tmp_path, "worker-1"):
        assert (tmp_path / ".worker-1.lock").is_file()


@pytest.mark.parametrize("name", ["", "../worker", "-worker", "a" * 65])
def test_invalid_name_is_rejected(locks: WorkerLocks, tmp_path: Path, name: str) -> None:
    with pytest.raises(JobsError, match="use 1 to 64 letters"), _hold_name(locks, tmp_path, name):
        pass


def test_name_in_use_is_rejected_until_its_worker_ends(locks: WorkerLocks, tmp_path: Path) -> None:
    with (
        _hold_name(locks, tmp_path, "worker-1"),
        pytest.raises(JobsError, match="another worker of this name runs on"),
        _hold_name(locks, tmp_path, "worker-1"),
    ):
        pass
    with _hold_name(locks, tmp_path, "worker-1"):
        pass


def test_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "runs"
    with (
        pytest.raises(JobsError, match="runs: cannot be used as the worker's folder"),
        _hold_name(WorkerLocks(folder, prefix="."), folder, "worker-1"),
    ):
        pass
