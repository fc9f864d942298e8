"""Admission control, retries, circuit breaking, fallback prices and health probes."""

from typing import Annotated, TypedDict

from pydantic import Field

from housing_price_orchestrator.settings.base import Group, Seconds


class AdmissionSettings(Group):
    """Admission control: requests that could not be answered in time get 503 on arrival."""

    share_of_deadline: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Maximum expected duration, as a share of the deadline. A longer queue adds no throughput and worsens overload."""
    call_seconds: Seconds = 0.25
    """Target duration of one call while requests wait; limits the houses per call."""


class RetrySettings(Group):
    """Retries of calls that found the model server unreachable or unavailable (502, 503, 504)."""

    max_attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """Maximum attempts per call; 1 turns retries off. The SRE book recommends at most 3 per request."""
    budget_ratio: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Maximum ratio of retries to calls over the last 10 s; 0.2 is the retry budget of Envoy and Finagle."""
    budget_floor: Annotated[int, Field(ge=0, le=1000)] = 3
    """Retries always allowed per 10 s, even with few calls (Envoy: `min_retry_concurrency`)."""
    backoff_seconds: Seconds = 0.025
    """Maximum delay before the first retry, chosen at random; doubles with each retry (Envoy: 25 ms)."""


class CircuitSettings(Group):
    """The circuit breaker; each model server address has its own."""

    max_failures: Annotated[int, Field(ge=1, le=1000)] = 8
    """Consecutive failures that open the circuit. Envoy and Finagle use 5, which trips soon if half the calls fail."""
    max_slow_calls: Annotated[int, Field(ge=1, le=1000)] = 2
    """Consecutive slow calls that open the circuit. One may be chance; single requests have at most two in flight."""
    slow_call_seconds: Seconds = 1.8
    """Duration from which a call counts as slow, answered or not; capped at 90 % of the request deadline."""
    open_seconds: Seconds = 0.25
    """Time that the circuit stays open before a probe prediction; doubles after each failed probe."""
    max_open_seconds: Seconds = 0.5
    """Maximum time between probes: the longest that a recovered model server waits for its first request."""


class FallbackSettings(Group):
    """Prices from memory, always marked in the response. Off unless an age is set."""

    cache_seconds: Seconds | None = None
    """Maximum age of a cached price, returned without a call while the same model serves; empty is off."""
    last_known_seconds: Annotated[float, Field(gt=0, le=7 * 24 * 3600, allow_inf_nan=False)] | None = None
    """Maximum age of a house's last known price, returned while the model server is unavailable; empty is off."""
    max_houses: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Maximum houses whose prices each worker remembers, at about 2 kB each."""


class ProbeLimits(TypedDict):
    """When a model is probed, in seconds."""

    interval_seconds: float
    max_age_seconds: float


class ReadinessSettings(Group):
    """The probes behind `/readyz`, one of each model."""

    probe_interval_seconds: Seconds = 0.5
    """Interval between probes; each probe is a real prediction by the model server."""
    probe_timeout_seconds: Seconds = 2.0
    """Timeout of a probe; equal to the request deadline by default, so that probes and requests agree."""

    @property
    def probe_limits(self) -> ProbeLimits:
        """The interval of a probe, and the age up to which its answer counts."""
        interval = self.probe_interval_seconds
        return {"interval_seconds": interval, "max_age_seconds": 2 * (interval + self.probe_timeout_seconds)}
