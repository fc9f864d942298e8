"""What is counted, in the words of Prometheus: of this process, or of all workers of the service."""

import asyncio
import math
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from housing_price_orchestrator.observability.instruments import Histogram, Instrument, Labels, Reading
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.observability.worker_files import WRITTEN_EVERY_SECONDS, WorkerFiles

type Snapshot = dict[str, list[Reading]]
"""What one process has counted: the series of each metric."""


class Exposition:
    """Gives the page that Prometheus reads."""

    def __init__(self, metrics: Metrics, workers: WorkerFiles | None = None) -> None:
        """Show `metrics`, together with what the other `workers` wrote down."""
        self._metrics = metrics
        self._workers = workers
        self._registry = CollectorRegistry()
        self._registry.register(_AllProcesses(self))

    def page(self, accept: str) -> tuple[bytes, str]:
        """Write the page in the newest format that `accept`, a header, asks for; gives the page and its media type."""
        try:
            encode, media_type = choose_encoder(accept)
        except (ValueError, TypeError):
            # It asks for a version that is no number.
            encode, media_type = choose_encoder("")
        return encode(self._registry), media_type

    def put_down(self) -> None:
        """Write what this process has counted where the other workers find it."""
        if self._workers is not None:
            self._workers.write(self.snapshot())

    async def keep_putting_down(self) -> None:
        """Do so again and again until cancelled."""
        while True:
            self.put_down()
            await asyncio.sleep(WRITTEN_EVERY_SECONDS)

    def snapshot(self) -> Snapshot:
        """Read every metric of this process."""
        return {one.name: one.readings() for one in self._metrics}

    def families(self) -> Iterator[Metric]:
        """Put the metrics of all processes together: what the dead have counted stays, what they were does not."""
        living: list[Snapshot] = []
        dead: list[Snapshot] = []
        if self._workers is None:
            living.append(self.snapshot())
        else:
            # Of this worker, too, what it has put down: otherwise a counter would go down, and seem to have been reset,
            # when another worker, who does not know the latest of this one, is asked next.
            for snapshot, is_alive in self._workers.all():
                (living if is_alive else dead).append(snapshot)
        for one in self._metrics:
            snapshots = living if one.kind == "gauge" else [*living, *dead]
            yield _family(one, _merged(one, (snapshot.get(one.name, []) for snapshot in snapshots)))


class _AllProcesses(Collector):
    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition

    def collect(self) -> Iterable[Metric]:
        return self._exposition.families()

    def describe(self) -> Iterable[Metric]:
        return ()


def _merged(one: Instrument, processes: Iterable[list[Reading]]) -> dict[Labels, list[float]]:
    series: dict[Labels, list[list[float]]] = {}
    for readings in processes:
        for labels, numbers in readings:
            series.setdefault(tuple(labels), []).append(numbers)
    return {labels: [one.across(list(column)) for column in zip(*rows, strict=True)] for labels, rows in series.items()}


def _family(one: Instrument, series: dict[Labels, list[float]]) -> Metric:
    if isinstance(one, Histogram):
        histogram = HistogramMetricFamily(one.name, one.meaning, labels=one.labels)
        for labels, numbers in series.items():
            histogram.add_metric(labels, _cumulated(one.bounds, numbers), numbers[-1])
        return histogram
    kind = CounterMetricFamily if one.kind == "counter" else GaugeMetricFamily
    family = kind(one.name, one.meaning, labels=one.labels)
    for labels, (value,) in series.items():
        family.add_metric(labels, value)
    return family


def _cumulated(bounds: Sequence[float], numbers: Sequence[float]) -> list[tuple[str, float]]:
    total = 0.0
    buckets = []
    for bound, count in zip((*bounds, math.inf), numbers, strict=False):
        total += count
        buckets.append((str(bound) if bound < math.inf else "+Inf", total))
    return buckets


def page_of(metrics: Metrics) -> str:
    """Write docs/metrics.md."""
    rows = []
    for one in metrics:
        labels = ", ".join(f"`{label}`" for label in one.labels)
        rows.append(f"| `{one.name}` | {one.kind} | {one.unit} | {labels} | {one.meaning} |")
    return "\n".join([_HEAD, "| name | kind | unit | labels | meaning |", "|---|---|---|---|---|", *rows, ""])


_HEAD = """# Metrics

What `/metrics` shows; `ORCHESTRATOR_METRICS__ENABLED=false` closes it. It stands on the port of the API and asks nobody
for a key: where strangers reach that port, close it or keep the path from them. Where several workers answer, each
gives the sum over all of them, as it was up to 0.25 s ago; what a worker has counted outlives it. The definitions are
in `housing-price-orchestrator/src/housing_price_orchestrator/observability/metrics.py`, and this page is written by
`housing-price-orchestrator metrics`.
"""
