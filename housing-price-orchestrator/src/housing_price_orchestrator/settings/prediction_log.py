"""The prediction log."""

from typing import Annotated

from pydantic import Field

from housing_price_orchestrator.settings.base import Group, Seconds
from housing_price_orchestrator.settings.database_url import DatabaseUrl


class PredictionLogSettings(Group):
    """Where every answered price is written down (docs/prediction-log.md)."""

    enabled: bool = True
    """`false` writes nothing, and opens no database."""
    url: DatabaseUrl = "sqlite:///housing-price-predictions.db"
    """The database: a file of SQLite, or `postgresql://...` (extra `postgres`)."""
    sample_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 1.0
    """The share of prices that are written down, chosen by chance; every price has a transaction id all the same."""
    retention_days: Annotated[float, Field(gt=0, le=36_500, allow_inf_nan=False)] | None = None
    """Prices older than that are deleted, a few at a time; without it all are kept."""
    max_queued_rows: Annotated[int, Field(ge=10_000, le=1_000_000)] = 50_000
    """How many prices may wait to be written (1 kB of memory each); what comes on top is dropped and counted."""
    read_seconds: Seconds = 10.0
    """How long a question to the log may take."""
