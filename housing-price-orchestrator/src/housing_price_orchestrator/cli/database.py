"""`housing-price-orchestrator database`: manages the database of the prediction log."""

import sys
from typing import NoReturn

import typer
from alembic.util.exc import CommandError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from housing_price_orchestrator.provider.model_server.columns import COLUMNS
from housing_price_orchestrator.provider.store.database import prepare_database
from housing_price_orchestrator.settings import InvalidSettings, load_settings

app = typer.Typer(
    no_args_is_help=True, help="Manage the database of the prediction log (ORCHESTRATOR_PREDICTION_LOG__URL)."
)

WAIT_SECONDS = 60.0
STATEMENT_SECONDS = 3600.0


@app.callback()
def database() -> None:
    """Manage the database of the prediction log (ORCHESTRATOR_PREDICTION_LOG__URL)."""


@app.command()
def upgrade() -> None:
    """Create or migrate the tables. `serve` also does this at startup; here each statement may take up to an hour."""
    try:
        url = make_url(load_settings().prediction_log.url)
        prepare_database(url, COLUMNS, wait_seconds=WAIT_SECONDS, statement_seconds=STATEMENT_SECONDS)
    except InvalidSettings as error:
        _fail(f"invalid configuration:\n{error}")
    except (SQLAlchemyError, CommandError, OSError) as error:
        _fail(f"{url.render_as_string(hide_password=True)} cannot be upgraded: {error}")
    typer.echo(f"{url.render_as_string(hide_password=True)} is up to date")


def _fail(message: str) -> NoReturn:
    typer.echo(f"housing-price-orchestrator: {message}", err=True)
    sys.exit(2)
