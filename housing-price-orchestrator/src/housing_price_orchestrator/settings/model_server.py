"""The model servers that predict the prices, and the calls to them."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, HttpUrl
from pydantic_settings import NoDecode

from housing_price_orchestrator.settings.base import Group, Seconds, split_at_commas


class ModelServerSettings(Group):
    """The model server that makes the prices."""

    base_url: Annotated[tuple[HttpUrl, ...], NoDecode, BeforeValidator(split_at_commas), Field(min_length=1)] = (
        HttpUrl("http://127.0.0.1:8080"),
    )
    """Its address, or several separated by commas, which share the work; `/invocations` is added to each."""
    routes_file: Path | None = None
    """A file that says which model servers answer, for `BASE_URL`; followed without a restart (docs/routes.md)."""
    model_name: Annotated[str, Field(min_length=1, max_length=200)] = "housing-price"
    """What its model is called in answers where the model server does not say."""
    connect_timeout_seconds: Seconds = 1.0
    """How long opening a connection to it may take."""
    max_calls: Annotated[int, Field(ge=1, le=1000)] = 3
    """How many calls to each address each process may have under way at a time; one is kept for small requests."""
    max_rows_per_call: Annotated[int, Field(ge=1, le=100_000)] = 500
    """How many houses one call carries at the most."""
    max_waiting_rows: Annotated[int, Field(ge=10_000, le=10_000_000)] = 50_000
    """How many houses may wait for a call; what comes on top is refused at once, with 503."""
