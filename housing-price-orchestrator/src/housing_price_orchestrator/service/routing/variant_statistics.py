"""What was seen of a version in its part: requests, errors, how long they took."""

import math
from collections.abc import Sequence

from housing_price_orchestrator.observability.instruments import Distribution
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.service.routing.canary_watch import FAILINGS, Failing
from housing_price_orchestrator.shared.ports import Variant
from housing_price_orchestrator.shared.view.routes import Route

MAX_VERSIONS = 50
"""Versions that the metrics tell apart; those after them are one."""

OTHER = "other"


class VariantRecord:
    """Counts the requests of one version in one part."""

    def __init__(self, metrics: Metrics, variant: Variant, version: str) -> None:
        """Count in `metrics`."""
        self.variant = variant
        self.version = version
        self.seconds = metrics.variant_seconds.labelled(variant, version)
        """How long requests took that were answered."""
        self._rows = metrics.variant_rows.labelled(variant, version)
        self._errors = metrics.variant_errors.labelled(variant, version)

    @property
    def answered(self) -> int:
        """How many requests were answered."""
        return sum(self.seconds.counts)

    @property
    def failed(self) -> int:
        """How many were not."""
        return int(self._errors.value)

    def is_answered(self, rows: int, seconds: float) -> None:
        """Note a request for so many houses that was answered after so long."""
        self.seconds.observe(seconds)
        self._rows.value += rows

    def is_failed(self) -> None:
        """Note a request that was not answered."""
        self._errors.value += 1


class VariantRecords:
    """The records of all versions that were ever routed to: a bounded number of them."""

    def __init__(self, metrics: Metrics) -> None:
        """Count in `metrics`."""
        self._metrics = metrics
        self._records: dict[tuple[Variant, str], VariantRecord] = {}

    def of(self, variant: Variant, route: Route) -> VariantRecord:
        """Give the record of a version in a part, which goes on where it was."""
        version = self._label_of(route)
        record = self._records.get((variant, version))
        if record is None:
            record = self._records[variant, version] = VariantRecord(self._metrics, variant, version)
        return record

    def deviations_of(self, route: Route) -> Distribution:
        """Give where it is noted how far a canary's prices are from the champion's."""
        label = self._label_of(route)
        for failing in FAILINGS:
            # From 0 on: Prometheus sees no increase in a counter that begins with 1.
            self._metrics.canary_stopped.labelled(label, failing)
        return self._metrics.canary_deviation.labelled(label)

    def is_stopped(self, route: Route, failing: Failing) -> None:
        """Note that a canary was stopped, and by which limit."""
        self._metrics.canary_stopped.labelled(self._label_of(route), failing).inc()

    def _label_of(self, route: Route) -> str:
        known = {version for _, version in self._records}
        return route.version if route.version in known or len(known) < MAX_VERSIONS else OTHER


def quantile(distribution: Distribution, share: float) -> float | None:
    """Estimate below which value this share of the values lies; None where there is none.

    Within a bucket they are taken to lie evenly, as by Prometheus' `histogram_quantile`; beyond the last bound, at it.
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
