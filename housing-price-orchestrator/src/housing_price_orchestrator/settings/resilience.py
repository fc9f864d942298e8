"""How the service behaves while the model server is slow, failing or overloaded."""

from typing import Annotated

from pydantic import Field

from housing_price_orchestrator.settings.base import Group, Seconds


class AdmissionSettings(Group):
    """What is refused on arrival, with 503, because it could not be answered in time."""

    share_of_deadline: Annotated[float, Field(gt=0, le=1)] = 0.5
    """How much of its time a request may be expected to take. A longer queue prices no more, and forgives less."""
    call_seconds: Seconds = 0.25
    """Where requests wait, calls carry no more houses than the model server prices in about so long."""


class RetrySettings(Group):
    """When a model server that cannot be reached or says that it is away (502, 503, 504) is asked again."""

    max_attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """How often at the most a call is tried; 1 turns retries off. Three tries are the SRE book's limit per request."""
    budget_ratio: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Retries for each call, over the last 10 s: 0.2 is Envoy's retry budget of 20 %, and Finagle's."""
    budget_floor: Annotated[int, Field(ge=0, le=1000)] = 3
    """So many retries in 10 s are allowed even where there are few calls, as in Envoy (`min_retry_concurrency`)."""
    backoff_seconds: Seconds = 0.025
    """The longest pause before the first retry, drawn at random; twice as long before the next (Envoy: 25 ms)."""


class CircuitSettings(Group):
    """When a model server is left alone, each address for itself."""

    max_failures: Annotated[int, Field(ge=1, le=1000)] = 8
    """Failures in a row that open the circuit; Envoy and Finagle take 5: soon, where every second call fails."""
    max_slow_calls: Annotated[int, Field(ge=1, le=1000)] = 2
    """Slow calls in a row that open it. One may be an accident; two are as many as single houses have under way."""
    slow_call_seconds: Seconds = 1.8
    """From when on a call is slow, whether or not an answer comes; at the most 90 % of the requests' deadline."""
    open_seconds: Seconds = 0.25
    """How long it stays open before one prediction of our own is tried; twice as long after each that fails."""
    max_open_seconds: Seconds = 0.5
    """The longest such time: what a model server that is back waits for its first request."""


class FallbackSettings(Group):
    """Prices from memory, always marked as such in the answer. All is off unless an age is set."""

    cache_seconds: Seconds | None = None
    """How old a price may be that is given without asking the model server, if the same model answers; empty is off."""
    last_known_seconds: Annotated[float, Field(gt=0, le=7 * 24 * 3600, allow_inf_nan=False)] | None = None
    """How old the last price of a house may be that is given while the model server is away; empty is off."""
    max_houses: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """How many houses' prices each process remembers, at about 2 kB each."""


class ReadinessSettings(Group):
    """How `/readyz` knows."""

    probe_interval_seconds: Seconds = 0.5
    """The pause between two real predictions asked of the model server."""
    probe_timeout_seconds: Seconds = 2.0
    """How long such a prediction may take; as long as a request may, so that both say the same."""
