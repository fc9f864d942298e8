"""Prints the log lines of the runner and its services, each with the name of its service."""

from typing import Final, TextIO, cast

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from housing_price_platform.output.console import CleanConsole
from housing_price_platform.output.log_output import LogOutput, describe_loss
from housing_price_platform.output.tables import print_table
from housing_price_platform.output.terminal import clean, printable, redact, trusted

NAME_WIDTH: Final = 18
OWN_NAME: Final = "housing-price"


class Output:
    """One stream that several services share.

    It never fails. Lines that cannot be written, for example to a full disk, are counted and lost: the services must
    keep running, and their output must be read, or they would block. A closed pipe (`housing-price up | head`) loses
    all further lines.
    """

    def __init__(self, stream: TextIO) -> None:
        log = LogOutput(trusted(stream), describe=lambda lost, reason: _prefixed(OWN_NAME, describe_loss(lost, reason)))
        # A text stream for rich, although it is not a subclass of `typing.IO`.
        self._console = CleanConsole(file=cast("TextIO", log), soft_wrap=True)

    def line(self, name: str, text: str, style: str = "") -> None:
        """Print one log line of a service with its name; on a terminal the name has the given style."""
        # Colours of the service itself are kept on a terminal and removed in a file.
        cleaned = Text.from_ansi(printable(redact(text), keep_colours=True))
        self.show(Text.assemble((_prefixed(name, ""), style), cleaned))

    def say(self, text: str, style: str = "bold") -> None:
        """Print one line of the runner itself."""
        self.line(OWN_NAME, text, style)

    def error(self, text: str) -> None:
        """Print an error message."""
        self.show(Text(f"error: {clean(text)}", style="bold red"))

    def table(self, table: Table) -> None:
        """Print a table without cutting anything off."""
        print_table(self._console, table)

    def show(self, content: RenderableType) -> None:
        """Print a text without a name in front."""
        self._console.print(content)


def _prefixed(name: str, text: str) -> str:
    return f"{name:<{NAME_WIDTH}} | {text}"
