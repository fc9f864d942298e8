import io
import re

import pytest

from housing_price.processes.output import NAME_WIDTH, Output
from housing_price.stack.model_service import EXPORT
from housing_price.stack.services import COMPARABLES_SERVER, MODEL_SERVER, ORCHESTRATOR, TRACKING_SERVER
from housing_price.stack.up import TRAINING
from small_disk import SmallDisk


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_service_names_are_padded_to_one_column() -> None:
    stream = io.StringIO()
    for name in (MODEL_SERVER, COMPARABLES_SERVER, ORCHESTRATOR, TRACKING_SERVER, TRAINING, EXPORT):
        Output(stream).line(name, "text")
    assert {line.index(" | text") for line in stream.getvalue().splitlines()} == {NAME_WIDTH}


def test_only_the_name_is_coloured_and_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        Output(stream).line("thing", "text", "cyan")
    assert terminal.getvalue() == "\x1b[36mthing              | \x1b[0mtext\n"
    assert file.getvalue() == "thing              | text\n"


def test_brackets_and_long_lines_are_printed_unchanged() -> None:
    stream = io.StringIO()
    text = "[bold]not markup[/bold] " + "x" * 500
    Output(stream).line("thing", text)
    assert stream.getvalue() == f"thing              | {text}\n"


def test_a_full_disk_loses_lines_and_nothing_else(small_disk: SmallDisk) -> None:
    path = small_disk.folder / "log"
    with path.open("w") as stream:
        output = Output(stream)
        small_disk.fill()
        for number in range(1_000):
            output.line(MODEL_SERVER, f"line {number}")
            output.say("said")
        small_disk.free()
        output.line(MODEL_SERVER, "last")
    *_, loss, last = path.read_text().splitlines()
    assert re.fullmatch(r"housing-price +\| \d+ log line\(s\) were lost: No space left on device", loss)
    assert last == f"{MODEL_SERVER:<{NAME_WIDTH}} | last"


def test_control_characters_of_services_are_shown_and_their_passwords_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    output = Output(terminal)
    output.line("thing", "\x1b[36mred\x1b[0m \x1b]8;;http://x\x1b\\link\x1b[2J \x9b1m good\rbad http://me:secret@host")
    output.error("\x1b]0;x\x07 http://me:secret@host")
    lines = terminal.getvalue().splitlines()
    assert lines[0] == (
        "thing              | \x1b[36mred\x1b[0m \\x1b]8;;http://x\\x1b\\link\\x1b[2J \\x9b1m good\\rbad http://me:***@host"
    )
    assert r"error: \x1b]0;x\x07 http://me:***@host" in lines[1]
