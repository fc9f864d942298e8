"""How the command line talks: results on standard output, mistakes in one message on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import typer
from rich.console import Console

from housing_price_model.errors import HousingPriceModelError

output: Final = Console()
errors: Final = Console(stderr=True, soft_wrap=True)

# A plain name: typer does not look into `type` statements.
TrackingUri = Annotated[str, typer.Option(envvar="MLFLOW_TRACKING_URI", help="The MLflow tracking server.")]


@contextmanager
def readable_errors() -> Iterator[None]:
    """End with 1 and one message where the caller can do something about it."""
    try:
        yield
    except HousingPriceModelError as exc:
        print_error(exc)
        raise typer.Exit(1) from exc


def print_error(exc: HousingPriceModelError) -> None:
    """Tell a mistake."""
    errors.print(f"error: {exc}", markup=False, highlight=False)
