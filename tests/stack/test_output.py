import io

import pytest

from housing_price.stack.output import NAME_WIDTH, Output
from housing_price.stack.services import MODEL_SERVER, ORCHESTRATOR, TRACKING_SERVER
from housing_price.stack.up import EXPORT, TRAINING


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_service_names_are_padded_to_one_column() -> None:
    stream = io.StringIO()
    for name in (MODEL_SERVER, ORCHESTRATOR, TRACKING_SERVER, TRAINING, EXPORT):
        Output(stream).line(name, "text")
    assert {line.index(" | text") for line in stream.getvalue().splitlines()} == {NAME_WIDTH}


def test_only_the_name_is_coloured_and_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        Output(stream).line("thing", "text", "cyan")
    assert terminal.getvalue() == "\x1b[36mthing           | \x1b[0mtext\n"
    assert file.getvalue() == "thing           | text\n"


def test_brackets_and_long_lines_are_printed_unchanged() -> None:
    stream = io.StringIO()
    text = "[bold]not markup[/bold] " + "x" * 500
    Output(stream).line("thing", text)
    assert stream.getvalue() == f"thing           | {text}\n"
