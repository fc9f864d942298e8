"""`make up` as a user starts and stops it, with fake services."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from housing_price.stack.state import REPOSITORY

from .running import FREE_PORTS, Up

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make_up(start: Callable[..., Up], state: Path) -> Up:
    arguments = f"ARGS={' '.join(FREE_PORTS)} --state-dir {state}"
    up = start(command=("make", "up", arguments), state=state, folder=REPOSITORY)
    up.wait_until_up(90)
    return up


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_make_alone_leaves_nothing_running(
    start: Callable[..., Up], tmp_path: Path, how: signal.Signals
) -> None:
    up = make_up(start, tmp_path / "state")
    up.signal(how)
    up.wait(10)


def test_ctrl_c_in_a_terminal_leaves_nothing_running(start: Callable[..., Up], tmp_path: Path) -> None:
    up = make_up(start, tmp_path / "state")
    os.killpg(up.process.pid, signal.SIGINT)
    up.wait(10)
    assert "all services have stopped" in up.log
    assert "Traceback" not in up.log


def test_killing_make_with_9_leaves_nothing_running(start: Callable[..., Up], tmp_path: Path) -> None:
    up = make_up(start, tmp_path / "state")
    up.process.kill()
    up.wait_until_no_process_is_left(10)


def test_help_names_every_command() -> None:
    # Under `make test`, this make is a child of make and would print the folder that it enters.
    command = ["make", "--no-print-directory", "help"]
    text = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    commands = [line.split()[1] for line in text.splitlines() if line]
    assert {"help", "up", "test", "test-all", "lint", "train", "compose-up", "compose-down"} <= set(commands)
    for name in commands:
        dry_run = subprocess.run(["make", "--dry-run", name], cwd=REPOSITORY, capture_output=True, check=False)
        assert dry_run.returncode == 0, name
