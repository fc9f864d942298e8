"""Logs that cannot be written never stop what they log, and resume when there is space again."""

import io
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TextIO, cast

import pytest
from rich.console import Console

from housing_price_platform.output.log_output import LogOutput
from small_disk import SmallDisk

SERVICE = """
import logging, sys
from housing_price_platform.output.log_output import keep_running_without_log
keep_running_without_log()
logging.basicConfig(stream=sys.stderr)
for number in range(1000):
    print("line", number)
    print("error", number, file=sys.stderr)
    logging.getLogger().warning("logged %d", number)
    sys.stdout.flush()
open(sys.argv[1], "w").write("done")
"""


def test_lines_are_written_at_once(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w", encoding="utf-8") as file:
        output = LogOutput(file)
        print("größer", "x" * 100_000, file=output)
        assert (tmp_path / "log").read_text(encoding="utf-8") == f"größer {'x' * 100_000}\n"
        assert output.fileno() == file.fileno()
        assert not output.isatty()


def test_a_log_resumes_when_there_is_space_again_and_counts_what_was_lost(small_disk: SmallDisk) -> None:
    path = small_disk.folder / "log"
    with path.open("w", encoding="utf-8") as file:
        output = LogOutput(file)
        output.write("first\n")
        small_disk.fill()
        # A block of the file may have room for the beginning.
        for number in range(2_000):
            output.write(f"{number} is lost {'x' * 100}\n")
        output.flush()
        small_disk.free()
        output.write("last\n")
        output.write("after the last\n")
    lines = path.read_text().splitlines()
    assert lines[0] == "first"
    written = sum(line.endswith("x" * 100) for line in lines)
    assert f"{2_000 - written} log line(s) were lost: No space left on device" in lines
    assert lines[-2:] == ["last", "after the last"]


def test_the_loss_can_be_described_in_the_format_of_the_log() -> None:
    class Failing(io.StringIO):
        fails = True

        def write(self, text: str) -> int:
            if self.fails:
                raise OSError(28, "No space left on device")
            return super().write(text)

    file = Failing()
    output = LogOutput(file, describe=lambda lost, reason: f"<{lost} {reason}>")
    output.write("a\nb\n")
    output.write("c\n")
    file.fails = False
    output.write("d\n")
    assert file.getvalue() == "<3 No space left on device>\nd\n"


@pytest.mark.parametrize("target", ["/dev/full", "closed pipe"])
def test_a_service_runs_to_its_end_without_a_log(tmp_path: Path, target: str) -> None:
    if target == "/dev/full" and not Path(target).exists():
        pytest.skip("no /dev/full here")
    done = tmp_path / "done"
    if target == "/dev/full":
        with Path(target).open("w", encoding="utf-8") as full:
            ended = subprocess.run(
                [sys.executable, "-c", SERVICE, str(done)], stdout=full, stderr=full, check=False, timeout=60
            )
    else:
        read, write = os.pipe()
        os.close(read)
        ended = subprocess.run(
            [sys.executable, "-c", SERVICE, str(done)], stdout=write, stderr=write, check=False, timeout=60
        )
        os.close(write)
    assert done.read_text() == "done"
    assert ended.returncode == 0


def test_a_pipe_that_another_program_made_non_blocking_loses_nothing() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    received = bytearray()

    def receive() -> None:
        while block := os.read(read, 65_536):
            received.extend(block)

    reader = threading.Thread(target=receive)
    with os.fdopen(write, "w") as file:
        output = LogOutput(file)
        reader.start()
        for number in range(20_000):
            output.write(f"line {number}\n")
    reader.join(60)
    os.close(read)
    assert received.decode().splitlines() == [f"line {number}" for number in range(20_000)]


def test_lines_of_several_threads_do_not_mix(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file:
        output = LogOutput(file)
        threads = [threading.Thread(target=lambda: [output.write("x" * 99 + "\n") for _ in range(200)]) for _ in "1234"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert (tmp_path / "log").read_text() == ("x" * 99 + "\n") * 800


def test_the_usual_writers_accept_it(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file:
        output = LogOutput(file)
        handler = logging.StreamHandler(output)
        handler.emit(logging.LogRecord("name", logging.INFO, "", 0, "by logging", None, None))
        Console(file=cast("TextIO", output)).print("by rich")
        output.buffer.write(b"bytes\n")
        output.buffer.flush()
    assert (tmp_path / "log").read_text() == "by logging\nby rich\nbytes\n"
