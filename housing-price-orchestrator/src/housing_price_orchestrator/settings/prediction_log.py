"""The prediction log."""

from typing import Annotated

from pydantic import Field

from housing_price_orchestrator.settings.base import Group, Seconds
from housing_price_orchestrator.settings.database_url import DatabaseUrl


class PredictionLogSettings(Group):
    """The prediction log, which stores every price returned (docs/prediction-log.md)."""

    enabled: bool = True
    """Whether to log predictions; `false` opens no database."""
    url: DatabaseUrl = "sqlite:///housing-price-predictions.db"
    """Database URL: `sqlite:///FILE`, or `postgresql://...` (needs the extra `postgres`)."""
    sample_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 1.0
    """Share of prices to log, sampled at random. Every price has a transaction id, logged or not."""
    retention_days: Annotated[float, Field(gt=0, le=36_500, allow_inf_nan=False)] | None = None
    """Age at which logged prices and reported sale prices are deleted, in small batches; empty keeps them forever."""
    max_queued_rows: Annotated[int, Field(ge=10_000, le=1_000_000)] = 50_000
    """Maximum prices waiting to be written (1 kB of memory each); further ones are dropped and counted."""
    read_seconds: Seconds = 10.0
    """Timeout of a query to the log."""
