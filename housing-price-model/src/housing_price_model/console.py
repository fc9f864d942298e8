"""Console output: results go to standard output, errors to standard error."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Final

import typer

from housing_price_model.errors import HousingPriceModelError, OutputError
from housing_price_model.settings import TRACKING_URI
from housing_price_platform.environment.variables import SharedVariable
from housing_price_platform.files import DISK_FULL
from housing_price_platform.output.console import CleanConsole
from housing_price_platform.output.log_output import keep_running_without_log
from housing_price_platform.output.logs import configure_logging

output: Final = CleanConsole()
errors: Final = CleanConsole(stderr=True, soft_wrap=True)

# A plain assignment, because typer does not resolve `type` aliases.
TrackingUri = Annotated[str, typer.Option(envvar=TRACKING_URI, help="URL of the MLflow tracking server.")]


class LogFormat(StrEnum):
    """The form of log lines."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """The least severe level that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


LogFormatOption = Annotated[
    LogFormat,
    typer.Option(
        "--log-format",
        envvar=SharedVariable.LOG_FORMAT,
        help="Form of log lines; auto: readable lines on a terminal, else JSON.",
    ),
]
LogLevelOption = Annotated[
    LogLevel, typer.Option("--log-level", envvar=SharedVariable.LOG_LEVEL, help="Least severe level to log.")
]


def start_service_logs(service: str, style: LogFormat, level: LogLevel) -> None:
    """Log events of this process and of its libraries to standard error. Call this before MLflow is imported."""
    keep_running_without_log()
    # MLflow would write lines of its own form with a handler of its own.
    os.environ["MLFLOW_CONFIGURE_LOGGING"] = "false"
    quiet = ("alembic", "httpx", "httpcore")
    configure_logging(service, style=style, level=level, stream=sys.stderr, adopted=("dbos",), quiet=quiet)


@contextmanager
def readable_errors() -> Iterator[None]:
    """Report a `HousingPriceModelError`, or a full disk, as one message and exit with status 1."""
    try:
        yield
    except HousingPriceModelError as error:
        print_error(error)
        raise typer.Exit(1) from error
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        place = error.filename or f"the folder of temporary files ({tempfile.gettempdir()}) or of the results"
        print_error(OutputError(f"{place}: {error.strerror}"))
        raise typer.Exit(1) from error


def print_error(error: HousingPriceModelError) -> None:
    """Print an error message to standard error."""
    errors.print(f"error: {error}")
