"""The model servers of both models, and the calls to them."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, HttpUrl, model_validator
from pydantic_settings import NoDecode

from housing_price_orchestrator.settings.base import (
    PREFIX,
    Group,
    Seconds,
    split_at_commas,
    split_list,
    without_credentials,
)


class ModelServerSettings(Group):
    """The model servers that predict the prices."""

    @property
    def registry_home(self) -> str | None:
        """The address of MLflow for users, without credentials; None if it is not set."""
        return None if self.registry_url is None else without_credentials(self.registry_url)

    @property
    def registry_pages(self) -> str | None:
        """The start of the address of a version's page in MLflow; its number follows."""
        home = self.registry_home
        return None if home is None else f"{home.rstrip('/')}/#/models/{self.model_name}/versions/"

    base_url: Annotated[tuple[HttpUrl, ...], NoDecode, BeforeValidator(split_at_commas), Field(min_length=1)] = (
        HttpUrl("http://127.0.0.1:8080"),
    )
    """URL of the model server, or several, comma-separated, to balance load over; `/invocations` is appended."""
    routes_file: Path | None = None
    """File that lists the model servers, instead of `BASE_URL`; changes apply without a restart (docs/routes.md)."""
    model_name: Annotated[str, Field(min_length=1, max_length=200)] = "housing-price"
    """Model name in responses if the model server does not report one."""
    registry_url: HttpUrl | None = None
    """Address of MLflow's tracking server for users; `GET /models` links each version to its page there."""
    connect_timeout_seconds: Seconds = 1.0
    """Timeout for connecting to a model server."""
    max_calls: Annotated[int, Field(ge=1, le=1000)] = 3
    """Maximum concurrent calls per worker and model server; one each is reserved for small and large requests."""
    max_rows_per_call: Annotated[int, Field(ge=1, le=100_000)] = 500
    """Maximum houses per call."""
    max_waiting_rows: Annotated[int, Field(ge=10_000, le=10_000_000)] = 50_000
    """Maximum houses that wait for a call, per worker; beyond it requests get 503 at once."""


class ComparablesSettings(Group):
    """The model servers that find comparable sales, for valuations. Retries, circuit and probes are those of prices."""

    base_url: Annotated[tuple[HttpUrl, ...], NoDecode, BeforeValidator(split_list)] = ()
    """URL of the comparables server, or several, comma-separated; empty: valuations have the price alone."""
    routes_file: Path | None = None
    """File that lists the comparables servers, instead of `BASE_URL`; changes apply without a restart."""
    deadline_seconds: Seconds = 1.0
    """Deadline for the comparables of a request; after it a valuation is answered without them."""
    max_calls: Annotated[int, Field(ge=1, le=1000)] = 3
    """Maximum concurrent calls per worker and comparables server."""
    max_rows_per_call: Annotated[int, Field(ge=1, le=10_000)] = 50
    """Maximum houses per call; the answer takes about 5 kB per house with six sales."""

    @model_validator(mode="after")
    def _check_there_is_an_address(self) -> Self:
        if self.routes_file is not None and not self.base_url:
            raise ValueError(
                f"{PREFIX}COMPARABLES__ROUTES_FILE needs {PREFIX}COMPARABLES__BASE_URL, which applies until the file "
                "has valid routes"
            )
        return self
