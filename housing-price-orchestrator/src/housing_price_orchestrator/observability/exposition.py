"""The Prometheus exposition of the metrics of this process, or of all workers of the service."""

import asyncio
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from housing_price_orchestrator.observability.instruments import Histogram, Instrument, Labels, Reading
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.observability.worker_files import WRITE_INTERVAL_SECONDS, WorkerFiles

type Snapshot = dict[str, list[Reading]]
"""The readings of one process: the series of each metric, by name."""


class Exposition:
    """Renders the page that Prometheus scrapes."""

    def __init__(self, metrics: Metrics, workers: WorkerFiles | None = None) -> None:
        """Render `metrics`, combined with those that other `workers` have written."""
        self._metrics = metrics
        self._workers = workers
        self._has_failed = False
        self._registry = CollectorRegistry()
        self._registry.register(_AllProcesses(self))

    def page(self, accept: str) -> tuple[bytes, str]:
        """Render the page in the newest format that the `Accept` header allows; returns the page and its media type."""
        try:
            encode, media_type = choose_encoder(accept)
        except (ValueError, TypeError):
            # The header names a version that is not a number.
            encode, media_type = choose_encoder("")
        return encode(self._registry), media_type

    def write_metrics(self) -> None:
        """Write this process's metrics to the folder that the workers share. A full disk only makes them stale."""
        if self._workers is None:
            return
        try:
            self._workers.write(self.snapshot())
        except OSError as error:
            if not self._has_failed:
                structlog.get_logger().error("metrics cannot be written for the other workers", error=str(error))
            self._has_failed = True
        else:
            if self._has_failed:
                structlog.get_logger().info("metrics are written again")
            self._has_failed = False

    async def keep_writing_metrics(self) -> None:
        """Write the metrics periodically until cancelled."""
        while True:
            self.write_metrics()
            await asyncio.sleep(WRITE_INTERVAL_SECONDS)

    def snapshot(self) -> Snapshot:
        """Read every metric of this process."""
        return {metric.name: metric.readings() for metric in self._metrics}

    def families(self) -> Iterator[Metric]:
        """Merge the metrics of all processes. Counters of dead workers are kept; their gauges are dropped."""
        living: list[Snapshot] = []
        dead: list[Snapshot] = []
        if self._workers is None:
            living.append(self.snapshot())
        else:
            # Use this worker's file as well, and not its live values. Otherwise a counter would appear to go down, like
            # a reset, when another worker, which knows only the older values, answers the next scrape.
            for snapshot, is_alive, is_stale in self._workers.snapshots():
                (living if is_alive else dead).append(snapshot)
                if is_stale:
                    # Its last report says nothing about its present state.
                    snapshot[self._metrics.ready.name] = [((), [0.0])]
        for metric in self._metrics:
            snapshots = living if metric.kind == "gauge" else [*living, *dead]
            yield _to_family(metric, _merge(metric, (snapshot.get(metric.name, []) for snapshot in snapshots)))


class _AllProcesses(Collector):
    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition

    def collect(self) -> Iterable[Metric]:
        return self._exposition.families()

    def describe(self) -> Iterable[Metric]:
        return ()


def _merge(metric: Instrument, processes: Iterable[list[Reading]]) -> dict[Labels, list[float]]:
    series: dict[Labels, list[list[float]]] = {}
    for readings in processes:
        for labels, numbers in readings:
            series.setdefault(tuple(labels), []).append(numbers)
    return {
        labels: [metric.merge(list(column)) for column in zip(*rows, strict=True)] for labels, rows in series.items()
    }


def _to_family(metric: Instrument, series: dict[Labels, list[float]]) -> Metric:
    if isinstance(metric, Histogram):
        histogram = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
        for labels, numbers in series.items():
            histogram.add_metric(labels, _cumulate(metric.bounds, numbers), numbers[-1])
        return histogram
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.meaning, labels=metric.labels)
    for labels, (value,) in series.items():
        family.add_metric(labels, value)
    return family


def _cumulate(bounds: Sequence[float], numbers: Sequence[float]) -> list[tuple[str, float]]:
    total = 0.0
    buckets = []
    for bound, count in zip((*bounds, math.inf), numbers, strict=False):
        total += count
        buckets.append((str(bound) if bound < math.inf else "+Inf", total))
    return buckets


def metrics_document(metrics: Metrics) -> str:
    """Return the content of docs/metrics.md."""
    rows = []
    for metric in metrics:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        rows.append(f"| `{metric.name}` | {metric.kind} | {metric.unit} | {labels} | {metric.meaning} |")
    return "\n".join([_HEAD, "| name | kind | unit | labels | meaning |", "|---|---|---|---|---|", *rows, ""])


_HEAD: Final = """# Metrics

The metrics that the API serves at `/metrics`. Turn them off with `ORCHESTRATOR_METRICS__ENABLED=false`.

`/metrics` is on the API's port and needs no authentication. If that port is public, turn the metrics off or block the
path in a proxy. With several workers, each worker returns the totals over all of them, at most 0.25 s old. Counters of
a worker that has ended are kept. A worker that has reported nothing for 5 s counts as not ready.

This page is generated by `housing-price-orchestrator metrics` from
`housing-price-orchestrator/src/housing_price_orchestrator/observability/metrics.py`.
"""
