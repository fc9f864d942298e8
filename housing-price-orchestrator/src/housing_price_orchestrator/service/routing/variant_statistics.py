"""Request counts, errors and durations of each model version, by variant."""

import math
from collections.abc import Sequence
from typing import Final

from housing_price_orchestrator.observability.instruments import Distribution
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.service.routing.canary_watch import CANARY_LIMITS, CanaryLimit
from housing_price_orchestrator.shared.ports import Variant
from housing_price_orchestrator.shared.view.routes import Route

MAX_VERSIONS: Final = 50
"""Versions with a metric label of their own; later ones share the label `other`."""

OTHER: Final = "other"


class VariantStatistics:
    """Statistics of one version as champion, canary or shadow."""

    def __init__(self, metrics: Metrics, variant: Variant, version: str) -> None:
        """Register the counters with `metrics`."""
        self.variant = variant
        self.version = version
        self.seconds = metrics.variant_seconds.with_labels(variant, version)
        """Durations of answered requests."""
        self._rows = metrics.variant_rows.with_labels(variant, version)
        self._errors = metrics.variant_errors.with_labels(variant, version)

    @property
    def answered(self) -> int:
        """Number of answered requests."""
        return sum(self.seconds.counts)

    @property
    def failed(self) -> int:
        """Number of failed requests."""
        return int(self._errors.value)

    def record_success(self, rows: int, seconds: float) -> None:
        """Record an answered request: its number of houses and its duration."""
        self.seconds.observe(seconds)
        self._rows.value += rows

    def record_failure(self) -> None:
        """Record a failed request."""
        self._errors.value += 1


class StatisticsByVariant:
    """Statistics of every version that was routed to, with a bounded number of labels."""

    def __init__(self, metrics: Metrics) -> None:
        """Register the counters with `metrics`."""
        self._metrics = metrics
        self._statistics: dict[tuple[Variant, str], VariantStatistics] = {}

    def of(self, variant: Variant, route: Route) -> VariantStatistics:
        """Return the statistics of a version in a variant; a version that returns continues its counts."""
        version = self._label_of(route)
        statistics = self._statistics.get((variant, version))
        if statistics is None:
            statistics = self._statistics[variant, version] = VariantStatistics(self._metrics, variant, version)
        return statistics

    def deviations_of(self, route: Route) -> Distribution:
        """Return the distribution of a canary's price deviations from the champion."""
        label = self._label_of(route)
        for limit_name in CANARY_LIMITS:
            # Create the counters at 0: Prometheus sees no increase in a counter that starts at 1.
            self._metrics.canary_stopped.with_labels(label, limit_name)
        return self._metrics.canary_deviation.with_labels(label)

    def record_stop(self, route: Route, limit_name: CanaryLimit) -> None:
        """Record that a canary was stopped, and the limit that it exceeded."""
        self._metrics.canary_stopped.with_labels(self._label_of(route), limit_name).inc()

    def _label_of(self, route: Route) -> str:
        known = {version for _, version in self._statistics}
        return route.version if route.version in known or len(known) < MAX_VERSIONS else OTHER


def quantile(distribution: Distribution, share: float) -> float | None:
    """Estimate a quantile of a histogram; None if it is empty.

    Interpolates linearly within a bucket, like Prometheus' `histogram_quantile`; values beyond the last bound count as
    that bound.
    """
    counts: Sequence[int] = distribution.counts
    total = sum(counts)
    if not total:
        return None
    wanted = share * total
    below, low = 0, 0.0
    for count, high in zip(counts, (*distribution.bounds, math.inf), strict=True):
        if below + count >= wanted and count:
            return low if high == math.inf else low + (high - low) * (wanted - below) / count
        below, low = below + count, high
    return low
