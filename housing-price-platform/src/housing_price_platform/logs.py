"""Structured logs of a process: one JSON object per event, or readable lines on a terminal.

All services log events of this shape: `event`, `level`, `time` (UTC), and the facts of the event as further keys.
"""

import io
import logging
import sys
from typing import Any, Final, TextIO

import orjson
import structlog

from housing_price_platform.terminal import clean, printable, printable_json, redact, trusted

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
STYLES: Final = ("auto", "json", "console")

# Without local variables, which may hold values of callers: those are never logged.
_FORMAT_TRACEBACK: Final = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
)


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
        style: One of `STYLES`. `auto` is `console` on a terminal, else `json`.
        stream: Where to write; standard output by default.
        adopted: Names of loggers of libraries that would otherwise write with a handler of their own.
        quiet: Names of loggers of libraries that log at `warning` and above only.
    """
    stream = stream or trusted(sys.stdout)
    is_console = style == "console" or (style == "auto" and stream.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    final = final_processors(is_console=is_console)
    structlog.configure(
        processors=[*shared, *final],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        # One write per event: `print` writes the newline separately, so that lines of several threads would mix.
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,  # commands and tests configure the logs after modules were imported
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    logging.captureWarnings(capture=True)
    for name in adopted:
        # A library that finds a handler adds none.
        logging.getLogger(name).handlers[:] = [logging.NullHandler()]
        logging.getLogger(name).propagate = True
    for name in quiet:
        logging.getLogger(name).setLevel(logging.WARNING)


def _add_logger_name(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    return event


def final_processors(*, is_console: bool) -> list[structlog.typing.Processor]:
    """Return what writes the line of an event, without control characters and passwords of any origin."""
    if is_console:
        renderer = structlog.dev.ConsoleRenderer(timestamp_key="time", exception_formatter=_write_traceback)
        return [_clean_texts, renderer, _redact]
    return [_FORMAT_TRACEBACK, structlog.processors.JSONRenderer(serializer=to_json), _redact]


def to_json(event: Any, default: Any = None, **_options: Any) -> str:
    """Write an event as one line of JSON."""
    return printable_json(orjson.dumps(event, default=default or repr, option=orjson.OPT_NON_STR_KEYS).decode())


def _clean_texts(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Clean what the renderer for terminals prints as it is; it prints `repr` of other values."""
    return {key: clean(value) if isinstance(value, str) else value for key, value in event.items()}


def _write_traceback(file: TextIO, error: structlog.typing.ExcInfo) -> None:
    text = io.StringIO()
    structlog.dev.plain_traceback(text, error)
    file.write(printable(text.getvalue()))


def _redact(_logger: object, _method: str, line: Any) -> str:
    """Hide passwords, also those in errors of libraries."""
    return redact(str(line))
