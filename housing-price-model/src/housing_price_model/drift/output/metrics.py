"""A drift check as Prometheus metrics: in a file for node_exporter's textfile collector, or over HTTP."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Metric, generate_latest, start_http_server
from prometheus_client.registry import Collector

from housing_price_model.drift.check import Check
from housing_price_model.errors import OutputError

NAMES: Final = {
    "housing_price_drift_alarm": "1 if the model's predictions in the window raise the drift alarm, else 0",
    "housing_price_drift_alarms": "Number of tests in a family that raise the drift alarm",
    "housing_price_drift_rows": "Number of rows in the window",
    "housing_price_drift_psi": "Population stability index of a column or of the predictions",
    "housing_price_drift_ks": "Kolmogorov-Smirnov distance of a numeric column or of the predictions, from 0 to 1",
    "housing_price_drift_missing_ratio": "Share of missing values of a column",
    "housing_price_drift_unjudged_rows": "Number of rows in the window whose model has no usable reference profile",
    "housing_price_drift_last_check_timestamp_seconds": "Unix time of the latest check in seconds",
}
"""Name and help text of every metric."""


def metrics_text(check: Check) -> str:
    """Return the metrics of a check in the Prometheus text format."""
    return generate_latest(_registry_of(check)).decode()


class LatestCheck(Collector):
    """A Prometheus collector with the metrics of the latest check; empty before the first."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()

    def show(self, check: Check) -> None:
        """Replace the metrics with those of a newer check."""
        self._registry = _registry_of(check)

    def collect(self) -> Iterable[Metric]:
        """Return the metrics to the Prometheus client."""
        return self._registry.collect()


@contextmanager
def serve_metrics(latest: LatestCheck, host: str, port: int) -> Iterator[str]:
    """Serve GET /metrics; port 0 chooses a free port.

    Yields:
        The URL.

    Raises:
        OutputError: the server cannot listen on the address.
    """
    registry = CollectorRegistry()
    registry.register(latest)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise OutputError(f"{host}:{port}: cannot listen on this address ({error.strerror})") from error
    try:
        yield f"http://{host}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _registry_of(check: Check) -> CollectorRegistry:
    registry = CollectorRegistry()

    def gauge(name: str, *labels: str) -> Gauge:
        return Gauge(name, NAMES[name], labels, registry=registry)

    alarm = gauge("housing_price_drift_alarm", "model_id")
    alarms = gauge("housing_price_drift_alarms", "model_id", "family")
    rows = gauge("housing_price_drift_rows", "model_id")
    psi = gauge("housing_price_drift_psi", "model_id", "feature")
    ks = gauge("housing_price_drift_ks", "model_id", "feature")
    missing = gauge("housing_price_drift_missing_ratio", "model_id", "feature")
    for judged in check.judged:
        model_id, comparison = judged.model.model_id, judged.comparison
        alarm.labels(model_id).set(comparison.verdict == "alarm")
        rows.labels(model_id).set(comparison.rows)
        for family in {finding.family for finding in comparison.findings}:
            alarms.labels(model_id, family.value).set(sum(finding.family == family for finding in comparison.alarms))
        for column in (*comparison.columns, *comparison.predictions):
            psi.labels(model_id, column.name).set(column.psi)
            missing.labels(model_id, column.name).set(column.missing)
            if column.ks is not None:
                ks.labels(model_id, column.name).set(column.ks)
    gauge("housing_price_drift_unjudged_rows").set(sum(model.rows for model, _ in check.unjudged))
    gauge("housing_price_drift_last_check_timestamp_seconds").set(check.checked_at.replace(tzinfo=UTC).timestamp())
    return registry
