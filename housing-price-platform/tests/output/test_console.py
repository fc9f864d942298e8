import io

import pytest
from rich.progress import Progress, TextColumn
from rich.table import Table
from rich.text import Text

from housing_price_platform.output.console import CleanConsole
from housing_price_platform.output.terminal import clean_output

EVIL = "\x1b]0;owned\x07[red]x[/red] [/nothing] :smile: \u202eabc\x9b2J http://a:secret@b"
SHOWN = r"\x1b]0;owned\x07[red]x[/red] [/nothing] :smile: \u202eabc\x9b2J http://a:***@b"


def console(*, is_terminal: bool = False) -> tuple[CleanConsole, io.StringIO]:
    stream = io.StringIO()
    return CleanConsole(file=stream, width=200, force_terminal=is_terminal, color_system=None), stream


def test_text_is_printed_as_it_is_without_control_characters() -> None:
    made, stream = console()
    made.print(EVIL)
    assert stream.getvalue() == f"{SHOWN}\n"


def test_cells_titles_and_texts_are_cleaned_before_their_width_is_measured() -> None:
    made, stream = console()
    table = Table("name", "value", title=EVIL, caption=EVIL)
    table.add_row(EVIL, "1")
    table.add_row("short", "2")
    made.print(table)
    made.print(Text(EVIL))
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(stream.getvalue())
    assert "[red]" in stream.getvalue()
    rows = [line for line in stream.getvalue().splitlines() if "│" in line]
    assert len({line.index("│", 1) for line in rows}) == 1


def test_progress_is_drawn_and_its_text_cleaned() -> None:
    made, stream = console(is_terminal=True)
    with Progress(TextColumn("{task.description}", markup=False), console=made) as progress:
        progress.add_task(EVIL, total=1)
    text = stream.getvalue()
    assert "\x1b[?25l" in text  # the cursor is hidden while the bar is drawn
    assert "\x1b]0;owned" not in text
    assert r"\x1b]0;owned" in text


def test_it_draws_through_a_cleaned_output(capsys: pytest.CaptureFixture[str]) -> None:
    with clean_output():
        made = CleanConsole(force_terminal=True, width=100, color_system="standard")
        made.print(Text("x", style="red"), "\x1b[31m")
        made.show_cursor(show=False)
    assert capsys.readouterr().out == "\x1b[31mx\x1b[0m \\x1b[31m\n\x1b[?25l"
