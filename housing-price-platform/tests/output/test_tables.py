"""Tables are printed without cutting anything off, whatever the width of the terminal."""

import io

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from housing_price_platform.output.tables import print_part, print_table

ID = "6f1c0e5a9d2b4c7f8e3a1b0c9d8e7f60"
DATE = "2026-11-30T10:00:00.123456Z"
REASON = "a long reason that has several words and does not fit on one line of a narrow terminal"


def printed(table: Table | str, *, width: int, is_terminal: bool) -> str:
    file = io.StringIO()
    print_part(Console(file=file, width=width, force_terminal=is_terminal, color_system=None), table)
    return file.getvalue()


def table_of(*, title: str | None = None) -> Table:
    table = Table("Id", "Submitted", "Reason", title=title)
    table.add_row(ID, DATE, REASON)
    table.add_row(Text("short"), "[bold]never[/]", "two\nlines")
    return table


@pytest.mark.parametrize("width", [1, 20, 80, 500])
def test_without_a_terminal_each_row_is_one_line_with_tabs(width: int) -> None:
    text = printed(table_of(title="Jobs"), width=width, is_terminal=False)
    assert text.splitlines() == [
        "Jobs",
        "Id\tSubmitted\tReason",
        f"{ID}\t{DATE}\t{REASON}",
        "short\tnever\ttwo lines",
    ]


@pytest.mark.parametrize("width", [10, 40, 60, 79, 80, 81, 100, 160, 300])
def test_on_a_terminal_ids_and_dates_stay_whole(width: int) -> None:
    text = printed(table_of(), width=width, is_terminal=True)
    assert ID in text
    assert DATE in text
    assert "\u2026" not in text
    assert all(word in text for word in REASON.split())


def test_a_narrow_terminal_gets_aligned_lines_and_a_wide_one_a_drawn_table() -> None:
    narrow = printed(table_of(), width=60, is_terminal=True).splitlines()
    assert narrow[0].index("Submitted") == narrow[1].index(DATE)
    assert "│" in printed(table_of(), width=120, is_terminal=True)


def test_control_characters_are_shown_and_not_obeyed() -> None:
    table = Table("Reason")
    table.add_row(Text("\x1b]0;title \x9b31m red"))
    assert printed(table, width=80, is_terminal=False) == "Reason\n\\x1b]0;title \\x9b31m red\n"


def test_a_table_without_a_header_or_rows_is_printed() -> None:
    table = Table(show_header=False)
    table.add_column()
    table.add_row("only")
    assert printed(table, width=80, is_terminal=False) == "only\n"
    assert printed(Table("Id", "State"), width=80, is_terminal=False) == "Id\tState\n"
    assert printed("text", width=80, is_terminal=False) == "text\n"
    print_table(Console(file=io.StringIO()), Table())
