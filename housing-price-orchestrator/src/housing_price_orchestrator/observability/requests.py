"""From what is known about a request to the metrics: once for each request, at its end."""

from collections.abc import Iterable

from housing_price_orchestrator.observability.instruments import Distribution, Number
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.observability.record import RequestRecord
from housing_price_orchestrator.shared.view.house import House

NO_ROUTE = "none"
OTHER = "other"

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FIELDS = frozenset(field.alias or name for name, field in House.model_fields.items())


class RequestMetrics:
    """Counts requests; what callers may choose freely never becomes a label."""

    def __init__(self, metrics: Metrics) -> None:
        """Write into `metrics`."""
        self._metrics = metrics
        self._in_flight = metrics.requests_in_flight.labelled()
        self._seconds: dict[tuple[str, str, int], Distribution] = {}
        self._rows: dict[str, Number] = {}
        phase = metrics.phase_seconds.labelled
        self._validate, self._queue, self._model, self._encode = map(phase, ("validate", "queue", "model", "encode"))

    def begun(self) -> None:
        """Count a request that has come in."""
        self._in_flight.value += 1

    def ended(self, record: RequestRecord, method: str, status: int, seconds: float) -> None:
        """Count a request that has been answered, or left."""
        self._in_flight.value -= 1
        key = (method, record.route, status)
        duration = self._seconds.get(key)
        if duration is None:
            duration = self._seconds[key] = self._metrics.request_seconds.labelled(
                method if method in _METHODS else OTHER, record.route or NO_ROUTE, str(status)
            )
        duration.observe(seconds)
        if record.rows:
            rows = self._rows.get(record.route)
            if rows is None:
                rows = self._rows[record.route] = self._metrics.request_rows.labelled(record.route)
            rows.value += record.rows
        if record.encode_seconds:
            # Only what went the whole way says where the time goes.
            self._validate.observe(record.validate_seconds)
            self._queue.observe(record.queue_seconds)
            self._model.observe(record.model_seconds)
            self._encode.observe(record.encode_seconds)

    def refused(self, reason: str, fields: Iterable[object] = ()) -> None:
        """Count a request, or a line of a stream, that got an error.

        Args:
            reason: the error's public name.
            fields: for each finding in the document the feature that it is about, whatever a caller called it.
        """
        self._metrics.refusals.labelled(reason).value += 1
        for field in fields:
            self._metrics.validation_failures.labelled(str(field) if field in _FIELDS else OTHER).value += 1
