"""Structured logs of a process: one JSON object per event, or readable lines on a terminal.

All services log events of this shape: `event`, `level`, `time` (UTC), and the facts of the event as further keys.
"""

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TextIO

import orjson
import structlog

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
STYLES: Final = ("auto", "json", "console")

# Without local variables, which may hold values of callers: those are never logged.
_FORMAT_TRACEBACK: Final = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
)


@dataclass(frozen=True)
class Processors:
    """The processors of structlog, in order: `first` add facts, `last` write the line."""

    first: Sequence[structlog.typing.Processor]
    last: Sequence[structlog.typing.Processor]


def is_console(style: str, stream: TextIO) -> bool:
    """Return whether a style, one of `STYLES`, means readable lines; `auto` does on a terminal."""
    return style == "console" or (style == "auto" and stream.isatty())


def processors(*, for_console: bool) -> Processors:
    """Return the processors of a style."""
    first = (
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    )
    if for_console:
        render = structlog.dev.ConsoleRenderer(timestamp_key="time", exception_formatter=structlog.dev.plain_traceback)
        return Processors(first, (render,))
    return Processors(first, (_FORMAT_TRACEBACK, structlog.processors.JSONRenderer(serializer=to_json)))


def configure_logging(
    *,
    level: str = "info",
    style: str = "auto",
    stream: TextIO | None = None,
    adopted: tuple[str, ...] = (),
    quiet: tuple[str, ...] = (),
) -> None:
    """Configure structlog, and route the standard library's loggers and its warnings through it.

    Args:
        level: A key of `LEVELS`.
        style: One of `STYLES`.
        stream: Where to write; standard output by default.
        adopted: Names of loggers of libraries that would otherwise write with a handler of their own.
        quiet: Names of loggers of libraries that log at `warning` and above only.
    """
    stream = stream or sys.stdout
    used = processors(for_console=is_console(style, stream))
    structlog.configure(
        processors=[*used.first, *used.last],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        # One write per event: `print` writes the newline separately, so that lines of several threads would mix.
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,  # commands and tests configure the logs after modules were imported
    )
    route_standard_library(stream, used, level=level, quiet=quiet)
    logging.captureWarnings(capture=True)
    for name in adopted:
        # A library that finds a handler adds none.
        logging.getLogger(name).handlers[:] = [logging.NullHandler()]
        logging.getLogger(name).propagate = True


def route_standard_library(stream: Any, used: Processors, *, level: str, quiet: tuple[str, ...] = ()) -> None:
    """Write the records of the standard library's loggers as events; the arguments are those of `configure_logging`."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*used.first, _add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *used.last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    for name in quiet:
        logging.getLogger(name).setLevel(logging.WARNING)


def to_json(event: Any, default: Any = None, **_options: Any) -> str:
    """Write an event as one line of JSON; values of unknown types as their `repr`."""
    return orjson.dumps(event, default=default or repr, option=orjson.OPT_NON_STR_KEYS).decode()


def _add_logger_name(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    return event
