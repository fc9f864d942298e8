"""Prints tables without cutting anything off: drawn on a terminal that is wide enough, otherwise as plain lines."""

from itertools import zip_longest
from typing import Final

from rich.console import Console, RenderableType
from rich.segment import Segment, Segments
from rich.table import Column, Table
from rich.text import Text

from housing_price_platform.output.terminal import printable

_ANY_WIDTH: Final = 100_000


def print_part(console: Console, part: RenderableType) -> None:
    """Print a table, or any other part of a report."""
    if isinstance(part, Table):
        print_table(console, part)
    else:
        console.print(part)


def print_table(console: Console, table: Table) -> None:
    """Print a table: title, header and rows.

    Without a terminal, the cells of a row are separated by a tab, for programs such as `cut` and `awk`. On a terminal
    that is too narrow for the ids, versions and dates, they are aligned, and the terminal wraps the lines. Cells of
    several words may be wrapped inside the drawn table; single words are not.
    """
    for column in table.columns:
        column.overflow = "fold"
        column.no_wrap = column.no_wrap or all(len(_plain(console, cell).split()) <= 1 for cell in column.cells)
    options = console.options.update_width(_ANY_WIDTH)
    if console.is_terminal and console.measure(table, options=options).minimum <= console.width:
        console.print(table)
        return
    if table.title:
        _print_line(console, _plain(console, table.title))
    for line in _lines(console, table, is_aligned=console.is_terminal):
        _print_line(console, line)


def _lines(console: Console, table: Table, *, is_aligned: bool) -> list[str]:
    columns = [_cells(console, column, with_header=table.show_header) for column in table.columns]
    widths = [max(map(len, cells), default=0) if is_aligned else 0 for cells in columns]
    gap = "  " if is_aligned else "\t"
    rows = zip_longest(*columns, fillvalue="")
    return [gap.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(" ") for row in rows]


def _cells(console: Console, column: Column, *, with_header: bool) -> list[str]:
    header = [_plain(console, column.header)] if with_header else []
    return header + [_plain(console, cell) for cell in column.cells]


def _plain(console: Console, cell: RenderableType) -> str:
    """Return the text of a cell on one line."""
    text = cell if isinstance(cell, Text) else console.render_str(str(cell), highlight=False)
    return " ".join(printable(text.plain).split())


def _print_line(console: Console, line: str) -> None:
    # A segment, because a `Text` expands tabs.
    console.print(Segments([Segment(line), Segment.line()]), soft_wrap=True, end="")
