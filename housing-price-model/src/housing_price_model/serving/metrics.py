"""Metrics of the model server: requests, their duration, and rows, at `/metrics` in the formats of Prometheus.

An update takes about a microsecond, where a call to the model takes a millisecond.
"""

from typing import Final

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

from housing_price_model.registry.names import NAME_OF_MODEL

PATH: Final = "/metrics"

_OTHER_ROUTE: Final = "other"
_ROUTES: Final = frozenset({"/invocations", "/ping", "/health", "/version", "/ranges"})
"""Paths that have series of their own. All others share one, because callers choose them."""

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class ModelServerMetrics:
    """The metrics of one model server."""

    def __init__(self, name: str, version: str) -> None:
        """Create the metrics of a server of this registered model and version."""
        # Each counter would have a second series with the time of its creation.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # it declares no types
        kinds = {registered: str(kind) for kind, registered in NAME_OF_MODEL.items()}
        model = kinds.get(name, name)
        self._registry = CollectorRegistry()
        info = Gauge(
            "housing_price_model_server_info",
            "Always 1; the labels name the served version",
            ("model", "name", "version"),
            registry=self._registry,
        )
        info.labels(model, name, version).set(1)
        self._rows = Counter(
            "housing_price_model_server_rows",
            "Rows answered, including those of readiness checks",
            ("model",),
            registry=self._registry,
        ).labels(model)
        self._durations = Histogram(
            "housing_price_model_server_request_duration_seconds",
            "Duration of requests by route and status, except for those of this page",
            ("model", "route", "status"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._model = model
        self._series: dict[tuple[str, int], Histogram] = {}

    def count_rows(self, rows: int) -> None:
        """Count the rows of an answer. Safe to call from several threads."""
        self._rows.inc(rows)

    def count_request(self, path: str, status: int, seconds: float) -> None:
        """Count a request that has been answered."""
        if path == PATH:
            return
        route = path if path in _ROUTES else _OTHER_ROUTE
        series = self._series.get((route, status))
        if series is None:
            series = self._series[route, status] = self._durations.labels(self._model, route, str(status))
        series.observe(seconds)

    def page(self, accept: str) -> tuple[bytes, str]:
        """Render the page in the newest format that the `Accept` header allows; returns the page and its media type."""
        try:
            encode, media_type = choose_encoder(accept)
        except (ValueError, TypeError):
            # The header names a version that is not a number.
            encode, media_type = choose_encoder("")
        return encode(self._registry), media_type
