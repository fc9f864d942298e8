"""Shows on a terminal how many rows are priced."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from housing_price_platform.output.console import CleanConsole


class ShowProgress(Protocol):
    """Shows the state of a scoring."""

    def __call__(self, step: str, done: int = 0, total: int | None = None, /) -> None:
        """Show the name of the step, and how many of the rows are done."""
        ...


@contextmanager
def shown_progress() -> Iterator[ShowProgress]:
    """Show progress on standard error while the context lasts; nothing is shown if that is no terminal."""
    console = CleanConsole(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=None)

        def show(step: str, done: int = 0, total: int | None = None) -> None:
            progress.update(bar, description=step, completed=done, total=total)

        yield show
