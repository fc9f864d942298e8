"""Console output: results go to standard output, errors to standard error."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import typer

from housing_price_model.errors import HousingPriceModelError, OutputError
from housing_price_model.settings import TRACKING_URI
from housing_price_platform.console import CleanConsole
from housing_price_platform.files import DISK_FULL

output: Final = CleanConsole()
errors: Final = CleanConsole(stderr=True, soft_wrap=True)

# A plain assignment, because typer does not resolve `type` aliases.
TrackingUri = Annotated[str, typer.Option(envvar=TRACKING_URI, help="URL of the MLflow tracking server.")]


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
