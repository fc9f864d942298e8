"""Updates the metrics of requests."""

from collections.abc import Iterable
from typing import Final

from housing_price_orchestrator.observability.instruments import Distribution, Number
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.observability.record import RequestRecord
from housing_price_orchestrator.shared.view.fields import house_fields

NO_ROUTE: Final = "none"
OTHER: Final = "other"

GRPC_METHOD: Final = "GRPC"
"""The label `method` of calls over gRPC."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", GRPC_METHOD})
_FIELDS: Final = frozenset(field.key for field in house_fields())


class RequestMetrics:
    """Counts requests. Values that clients choose freely never become labels."""

    def __init__(self, metrics: Metrics) -> None:
        """Update `metrics`."""
        self._metrics = metrics
        self._in_flight = metrics.requests_in_flight.with_labels()
        self._seconds: dict[tuple[str, str, int], Distribution] = {}
        self._rows: dict[str, Number] = {}
        phase = metrics.phase_seconds.with_labels
        self._validate, self._queue, self._model, self._encode = map(phase, ("validate", "queue", "model", "encode"))

    def count_start(self) -> None:
        """Count a request that has arrived."""
        self._in_flight.value += 1

    def count_end(self, record: RequestRecord, method: str, status: int, seconds: float) -> None:
        """Count a request that has ended, answered or not."""
        self._in_flight.value -= 1
        key = (method, record.route, status)
        duration = self._seconds.get(key)
        if duration is None:
            duration = self._seconds[key] = self._metrics.request_seconds.with_labels(
                method if method in _METHODS else OTHER, record.route or NO_ROUTE, str(status)
            )
        duration.observe(seconds)
        if record.rows:
            rows = self._rows.get(record.route)
            if rows is None:
                rows = self._rows[record.route] = self._metrics.request_rows.with_labels(record.route)
            rows.value += record.rows
        if record.encode_seconds:
            # Only requests that passed every phase count in the phase durations.
            self._validate.observe(record.validate_seconds)
            self._queue.observe(record.queue_seconds)
            self._model.observe(record.model_seconds)
            self._encode.observe(record.encode_seconds)

    def count_error(self, reason: str, fields: Iterable[object] = ()) -> None:
        """Count a request, or a line of a stream, that was answered with an error.

        Args:
            reason: the public name of the error.
            fields: the field of each validation error, as named by the client.
        """
        self._metrics.refusals.with_labels(reason).value += 1
        for field in fields:
            self._metrics.validation_failures.with_labels(str(field) if field in _FIELDS else OTHER).value += 1
