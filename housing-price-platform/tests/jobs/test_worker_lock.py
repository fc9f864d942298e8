"""The locks of workers."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from housing_price_platform.jobs.worker_lock import WorkerLocks, WorkerNameTaken, is_worker_name

HOLD_LOCK = """
import sys
from pathlib import Path
from housing_price_platform.jobs.worker_lock import WorkerLocks
lock = WorkerLocks(Path(sys.argv[1])).acquire("worker-1")
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("name", ["a", "0f3c", "worker-1", "gpu_2.example.org", "A" * 64])
def test_a_name_of_letters_digits_dots_dashes_and_underscores_is_valid(name: str) -> None:
    assert is_worker_name(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".names", "-name", "_name", "a/b", "../a", "a b", "a\n", "ä", "A" * 65]
)
def test_a_name_that_is_too_long_or_starts_or_contains_something_else_is_not(name: str, tmp_path: Path) -> None:
    assert not is_worker_name(name)
    with pytest.raises(ValueError, match="is not a worker name"):
        WorkerLocks(tmp_path).acquire(name)
    assert list(tmp_path.iterdir()) == []


def test_a_name_can_be_held_once(tmp_path: Path) -> None:
    locks = WorkerLocks(tmp_path / "workers")
    with locks.acquire("worker-1"), locks.acquire("worker-2"):
        with pytest.raises(WorkerNameTaken, match="a worker named worker-1 is already running"):
            locks.acquire("worker-1")
        assert (tmp_path / "workers" / "worker-1.lock").read_text() == str(os.getpid())
    locks.acquire("worker-1").close()


def test_a_prefix_comes_before_the_name_of_the_file(tmp_path: Path) -> None:
    with WorkerLocks(tmp_path, prefix=".").acquire("worker-1"):
        assert {path.name for path in tmp_path.iterdir()} == {".worker-1.lock", ".names"}


def test_a_running_worker_is_not_dead_and_one_that_has_ended_is(tmp_path: Path) -> None:
    locks = WorkerLocks(tmp_path)
    with locks.acquire("worker-1"), locks.lock_if_dead("worker-1") as is_dead:
        assert not is_dead
    with locks.lock_if_dead("worker-1") as is_dead:
        assert is_dead


def test_a_killed_worker_is_dead(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD_LOCK, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "locked\n"
        with WorkerLocks(tmp_path).lock_if_dead("worker-1") as is_dead:
            assert not is_dead
        worker.kill()
        worker.wait()
    with WorkerLocks(tmp_path).lock_if_dead("worker-1") as is_dead:
        assert is_dead


def test_no_worker_of_a_dead_name_starts_during_the_check(tmp_path: Path) -> None:
    locks, started = WorkerLocks(tmp_path), threading.Event()
    locks.acquire("worker-1").close()

    def start() -> None:
        with locks.acquire("worker-1"):
            started.set()

    starting = threading.Thread(target=start)
    with locks.lock_if_dead("worker-1") as is_dead:
        assert is_dead
        starting.start()
        assert not started.wait(0.2)
    assert started.wait(10)
    starting.join(10)


@pytest.mark.parametrize("name", ["worker-2", "../worker-1", "", "."])
def test_a_name_without_a_lock_file_counts_as_running(tmp_path: Path, name: str) -> None:
    locks = WorkerLocks(tmp_path / "workers")
    locks.acquire("worker-1").close()
    (tmp_path / "worker-1.lock").touch()
    with locks.lock_if_dead(name) as is_dead:
        assert not is_dead
    assert {path.name for path in (tmp_path / "workers").iterdir()} == {"worker-1.lock", ".names"}


@pytest.mark.parametrize("name", ["_worker", "-worker", "a" * 100])
def test_the_jobs_of_workers_with_earlier_names_can_be_recovered(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.lock").touch()
    with WorkerLocks(tmp_path).lock_if_dead(name) as is_dead:
        assert is_dead
