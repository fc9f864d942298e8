"""The output of the runner as JSON lines, for programs that collect logs."""

import json
from functools import partial
from typing import Any, Final, TextIO

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from housing_price.processes.output import OWN_NAME, Output
from housing_price_platform.output.log_output import LogOutput
from housing_price_platform.output.logs import json_of_loss, now, to_json
from housing_price_platform.output.terminal import printable_json, redact, trusted

_LEVELS: Final = {"red": "error", "yellow": "warning"}


class JsonOutput(Output):
    """Writes one JSON object per line, in the form of the services' own logs.

    Events of services are passed on as they are: they name their service. Other lines, such as those of libraries that
    print, become events of their service.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._log = LogOutput(trusted(stream), describe=partial(json_of_loss, service=OWN_NAME))

    def line(self, name: str, text: str, style: str = "") -> None:
        """Write one line of a service: its own event, or an event whose text is the line."""
        if _is_event(text):
            self._write(printable_json(text.strip()))
        else:
            self._event(name, Text.from_ansi(text).plain.strip(), level="info")

    def say(self, text: str, style: str = "bold") -> None:
        """Write an event of the runner itself; red and yellow ones are errors and warnings."""
        self._event(OWN_NAME, text, level=_LEVELS.get(style, "info"))

    def error(self, text: str) -> None:
        """Write an error of the runner."""
        self._event(OWN_NAME, text, level="error")

    def table(self, table: Table) -> None:
        """Write a table with two columns as an event: its title, and an object with its rows."""
        names, values = (tuple(str(cell) for cell in column.cells) for column in table.columns)
        self._event(OWN_NAME, str(table.title), level="info", rows=dict(zip(names, values, strict=True)))

    def show(self, content: RenderableType) -> None:
        """Write a text as an event."""
        text = content.plain if isinstance(content, Text) else str(content)
        self._event(OWN_NAME, " ".join(text.split()), level="info")

    def _event(self, service: str, text: str, *, level: str, **facts: Any) -> None:
        self._write(to_json({"service": service, "event": text, **facts, "level": level, "time": now()}))

    def _write(self, line: str) -> None:
        self._log.write(f"{redact(line)}\n")


def _is_event(text: str) -> bool:
    try:
        event = json.loads(text)
    except ValueError:
        return False
    return isinstance(event, dict) and "event" in event
