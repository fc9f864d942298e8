"""`housing-price-orchestrator database`: manages the database of the prediction log."""

from typing import Final

import typer
from alembic.util.exc import CommandError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from housing_price_orchestrator.cli.exits import exit_on_invalid_settings, exit_with_error
from housing_price_orchestrator.provider.database_error import describe_database_error
from housing_price_orchestrator.provider.store.database import prepare_database
from housing_price_orchestrator.settings import load_settings
from housing_price_platform.terminal import echo
from housing_price_survey.columns import COLUMNS

app = typer.Typer(
    no_args_is_help=True, help="Manage the database of the prediction log (ORCHESTRATOR_PREDICTION_LOG__URL)."
)

WAIT_SECONDS: Final = 60.0
STATEMENT_SECONDS: Final = 3600.0


@app.callback()
def database() -> None:
    """Manage the database of the prediction log (ORCHESTRATOR_PREDICTION_LOG__URL)."""


@app.command()
def upgrade() -> None:
    """Create or migrate the tables. `serve` also does this at startup; here each statement may take up to an hour."""
    with exit_on_invalid_settings():
        url = make_url(load_settings().prediction_log.url)
    try:
        prepare_database(url, COLUMNS, wait_seconds=WAIT_SECONDS, statement_seconds=STATEMENT_SECONDS)
    except (SQLAlchemyError, CommandError, OSError) as error:
        reason = describe_database_error(error)
        exit_with_error(f"{url.render_as_string(hide_password=True)} cannot be upgraded: {reason}")
    echo(f"{url.render_as_string(hide_password=True)} is up to date")
