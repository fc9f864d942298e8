"""Prints the log lines of the runner and its services, each with the name of its service."""

from typing import Final, TextIO

from rich.console import Console, RenderableType
from rich.text import Text

NAME_WIDTH: Final = 15
OWN_NAME: Final = "housing-price"


class _PipeTolerantConsole(Console):
    """Stops printing when its pipe closes (`housing-price up | head`), where rich would end the program."""

    def on_broken_pipe(self) -> None:
        """Discard all further output. The services keep running, and a signal still stops them cleanly."""
        self.quiet = True


class Output:
    """One stream that several services share."""

    def __init__(self, stream: TextIO) -> None:
        self._console = _PipeTolerantConsole(file=stream, highlight=False, soft_wrap=True)

    def line(self, name: str, text: str, style: str = "") -> None:
        """Print one log line of a service with its name; on a terminal the name has the given style."""
        # Colours of the service itself are kept on a terminal and removed in a file.
        self.show(Text.assemble((f"{name:<{NAME_WIDTH}} | ", style), Text.from_ansi(text)))

    def say(self, text: str, style: str = "bold") -> None:
        """Print one line of the runner itself."""
        self.line(OWN_NAME, text, style)

    def error(self, text: str) -> None:
        """Print an error message."""
        self.show(Text(f"error: {text}", style="bold red"))

    def show(self, content: RenderableType) -> None:
        """Print a table or a text without a name in front."""
        self._console.print(content)
