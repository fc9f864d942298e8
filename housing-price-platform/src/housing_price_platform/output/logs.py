"""Structured logs of a process: one JSON object per event, or readable lines on a terminal.

All services log events of this shape: `service`, `event`, `level`, `time` (UTC), `request_id` for a request, and the
facts of the event as further keys. Lines have no control characters and no passwords, and a log that cannot be written
never stops its process.
"""

import io
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TextIO

import orjson
import structlog

from housing_price_platform.output.log_output import LogOutput, describe_loss
from housing_price_platform.output.terminal import clean, printable, printable_json, redact, trusted

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

# Without local variables, which may hold values of callers: those are never logged.
_FORMAT_TRACEBACK: Final = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
)


@dataclass(frozen=True)
class Lines:
    """The form and the destination of log lines."""

    for_console: bool
    """Whether the lines are for people."""
    output: LogOutput
    """The stream; its writes never fail."""
    first: Sequence[structlog.typing.Processor]
    """The processors of structlog that add facts."""
    last: Sequence[structlog.typing.Processor]
    """Those that write the line."""

    @classmethod
    def to(cls, stream: TextIO, style: str, service: str) -> "Lines":
        """Write the events of a service to a stream.

        The style is `json`, `console`, or `auto`: `console` on a terminal, else `json`. Lines for people do not name
        the service: the runner writes its name before each line.
        """
        for_console = style == "console" or (style == "auto" and stream.isatty())
        output = LogOutput(
            trusted(stream), describe=describe_loss if for_console else partial(json_of_loss, service=service)
        )
        first: Sequence[structlog.typing.Processor]
        last: Sequence[structlog.typing.Processor]
        first = (structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"))
        if not for_console:
            first = (partial(_add_service, service=service), *first)
        if for_console:
            renderer = structlog.dev.ConsoleRenderer(timestamp_key="time", exception_formatter=_write_traceback)
            last = (_clean_texts, renderer, _redact)
        else:
            last = (_FORMAT_TRACEBACK, structlog.processors.JSONRenderer(serializer=to_json), _redact)
        return cls(for_console, output, first, last)


def configure_logging(
    service: str,
    *,
    level: str = "info",
    style: str = "auto",
    stream: TextIO | None = None,
    adopted: tuple[str, ...] = (),
    quiet: tuple[str, ...] = (),
) -> None:
    """Configure structlog, and route the standard library's loggers and its warnings through it.

    Args:
        service: Name of the service, for the key `service`.
        level: A key of `LEVELS`.
        style: See `Lines.to`.
        stream: Where to write; standard output by default.
        adopted: Names of loggers of libraries that would otherwise write with a handler of their own.
        quiet: Names of loggers of libraries that log at `warning` and above only.
    """
    lines = Lines.to(stream or sys.stdout, style, service)
    structlog.configure(
        processors=[*lines.first, *lines.last],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        # One write per event: `print` writes the newline separately, so that lines of several threads would mix.
        logger_factory=structlog.WriteLoggerFactory(lines.output),  # type: ignore[arg-type]  # a text stream
        cache_logger_on_first_use=False,  # commands and tests configure the logs after modules were imported
    )
    route_standard_library(lines, lines.output, level=level, quiet=quiet)
    logging.captureWarnings(capture=True)
    for name in adopted:
        # A library that finds a handler adds none.
        logging.getLogger(name).handlers[:] = [logging.NullHandler()]
        logging.getLogger(name).propagate = True


def route_standard_library(lines: Lines, output: Any, *, level: str, quiet: tuple[str, ...] = ()) -> None:
    """Write the records of the standard library's loggers as events.

    Args:
        lines: The form of the lines.
        output: The stream to write to.
        level: A key of `LEVELS`.
        quiet: Names of loggers of libraries that log at `warning` and above only.
    """
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*lines.first, _add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *lines.last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    for name in quiet:
        logging.getLogger(name).setLevel(logging.WARNING)


def to_json(event: Any, default: Any = None, **_options: Any) -> str:
    """Write an event as one line of JSON; values of unknown types as their `repr`."""
    return printable_json(orjson.dumps(event, default=default or repr, option=orjson.OPT_NON_STR_KEYS).decode())


def now() -> str:
    """Return the current time in the form of the key `time`."""
    return datetime.now(UTC).isoformat()[:-6] + "Z"


def json_of_loss(lost: int, reason: str, *, service: str) -> str:
    """Return the event that reports how many lines of a service's log were lost, as JSON."""
    facts = {"lost": lost, "reason": reason}
    return to_json({"service": service, "event": "log lines lost", **facts, "level": "warning", "time": now()})


def _add_service(
    _logger: object, _method: str, event: structlog.typing.EventDict, *, service: str
) -> structlog.typing.EventDict:
    return {"service": service, **event}


def _add_logger_name(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    return event


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
