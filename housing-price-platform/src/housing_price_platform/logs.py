"""Structured logs of a process: one JSON object per event, or readable lines on a terminal.

All services log events of this shape: `event`, `level`, `time` (UTC), and the facts of the event as further keys.
"""

import logging
import sys
from typing import Any, Final, TextIO

import orjson
import structlog

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
    stream = stream or sys.stdout
    is_console = style == "console" or (style == "auto" and stream.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    final: list[structlog.typing.Processor]
    if is_console:
        final = [structlog.dev.ConsoleRenderer(timestamp_key="time", exception_formatter=structlog.dev.plain_traceback)]
    else:
        final = [_FORMAT_TRACEBACK, structlog.processors.JSONRenderer(serializer=_json)]
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


def _json(event: Any, default: Any = None, **_options: Any) -> str:
    return orjson.dumps(event, default=default or repr, option=orjson.OPT_NON_STR_KEYS).decode()
