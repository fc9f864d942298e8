"""What the runner and its services say, line by line, each line with the name of who said it."""

from typing import TextIO

from rich.console import Console, RenderableType
from rich.text import Text

NAME_WIDTH = 15
OWN_NAME = "housing-price"


class _LastingConsole(Console):
    """Falls silent when its reader goes away (`housing-price up | head`), where rich would end the program."""

    def on_broken_pipe(self) -> None:
        """Mute the rest; the services keep running, and a signal still ends them in good order."""
        self.quiet = True


class Output:
    """One stream that several services share."""

    def __init__(self, stream: TextIO) -> None:
        self._console = _LastingConsole(file=stream, highlight=False, soft_wrap=True)

    def line(self, name: str, text: str, style: str = "") -> None:
        """Print one line of a service's log under its name; on a terminal the name has the given style."""
        # A service that colours its own lines keeps its colours on a terminal, and loses them in a file.
        self.show(Text.assemble((f"{name:<{NAME_WIDTH}} | ", style), Text.from_ansi(text)))

    def say(self, text: str, style: str = "bold") -> None:
        """Print one line of the runner's own."""
        self.line(OWN_NAME, text, style)

    def error(self, text: str) -> None:
        """Print what went wrong."""
        self.show(Text(f"error: {text}", style="bold red"))

    def show(self, what: RenderableType) -> None:
        """Print a table or a text as it is."""
        self._console.print(what)
