import os
import signal
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from housing_price.processes.process import LEASH

from ..running import MARK, marked_processes, wait_until

GRACE = "0.3"

STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
hidden = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", hidden], start_new_session=True)
{then}
"""


class Leashed:
    """A leash under test, with its command."""

    def __init__(self, *command: str) -> None:
        self.mark = uuid.uuid4().hex
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LEASH), GRACE, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {MARK: self.mark},
            start_new_session=True,
        )

    def wait_for_line(self, text: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if text in line:
                return
        pytest.fail(f"no {text!r}")

    def close_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def assert_no_process_is_left(self) -> None:
        wait_until(lambda: not marked_processes(self.mark), 5, lambda: f"left: {marked_processes(self.mark)}")


@pytest.fixture
def leash() -> Iterator[type[Leashed]]:
    made: list[Leashed] = []

    class Made(Leashed):
        def __init__(self, *command: str) -> None:
            super().__init__(*command)
            made.append(self)

    yield Made
    for each in made:
        for pid in marked_processes(each.mark):
            os.kill(pid, signal.SIGKILL)
        with each.process:
            pass  # closes its pipes and waits for it


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", textwrap.dedent(code))


@pytest.mark.parametrize(
    ("code", "status"), [("", 0), ("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 128 + 9)]
)
def test_the_leash_exits_with_the_status_of_its_command(leash: type[Leashed], code: str, status: int) -> None:
    assert leash(*python(code)).process.wait(10) == status


def test_a_missing_command_is_an_error_that_names_it(leash: type[Leashed]) -> None:
    leashed = leash("no-such-program")
    output, _ = leashed.process.communicate(timeout=10)
    assert leashed.process.returncode == 127
    assert "no-such-program" in output


def test_closing_the_input_lets_the_command_end_cleanly(leash: type[Leashed]) -> None:
    code = """
    import os, signal, sys, time
    signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"farewell\\n"), sys.exit(0)))
    print("up", flush=True)
    time.sleep(600)
    """
    leashed = leash(*python(code))
    leashed.wait_for_line("up")
    leashed.close_input()
    leashed.wait_for_line("farewell")
    assert leashed.process.wait(5) == 0


def test_closing_the_input_kills_processes_that_ignore_signals_and_run_in_other_sessions(leash: type[Leashed]) -> None:
    leashed = leash(*python(STUBBORN.format(then="time.sleep(600)")))
    leashed.wait_for_line("up")
    leashed.close_input()
    assert leashed.process.wait(5) == 128 + signal.SIGKILL
    leashed.assert_no_process_is_left()


def test_children_of_an_ended_command_are_ended(leash: type[Leashed]) -> None:
    leashed = leash(*python(STUBBORN.format(then="os._exit(5)")))
    assert leashed.process.wait(5) == 5
    leashed.assert_no_process_is_left()


def test_killing_the_parent_with_sigkill_leaves_no_process(leash: type[Leashed], tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    parent_code = f"""
    import os, subprocess, sys, time
    command = [sys.executable, "-I", "-S", {str(LEASH)!r}, {GRACE!r}, sys.executable, "-c", sys.argv[1]]
    subprocess.Popen(command, stdin=subprocess.PIPE, env=os.environ | {{{MARK!r}: {mark!r}}}, start_new_session=True)
    time.sleep(600)
    """
    stubborn = STUBBORN.format(then="time.sleep(600)")
    with subprocess.Popen([*python(parent_code), stubborn], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        assert marked_processes(mark)
        parent.kill()
        wait_until(lambda: not marked_processes(mark), 5, lambda: f"left: {marked_processes(mark)}")


def test_killing_the_leash_with_sigkill_ends_its_command(leash: type[Leashed]) -> None:
    leashed = leash(*python("import time; print('up', flush=True); time.sleep(600)"))
    leashed.wait_for_line("up")
    leashed.process.kill()
    leashed.assert_no_process_is_left()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_leash_ends_its_command(leash: type[Leashed], how: signal.Signals) -> None:
    leashed = leash(*python("import time; print('up', flush=True); time.sleep(600)"))
    leashed.wait_for_line("up")
    leashed.process.send_signal(how)
    assert leashed.process.wait(5) == 128 + signal.SIGTERM
    leashed.assert_no_process_is_left()
