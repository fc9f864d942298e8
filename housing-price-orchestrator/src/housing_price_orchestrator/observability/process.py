"""CPU time, memory and open files of the process, read by prometheus-client."""

from functools import partial

from prometheus_client import ProcessCollector

from housing_price_orchestrator.observability.metrics import Metrics


def register_process_metrics(metrics: Metrics) -> None:
    """Read the process metrics from the operating system on each scrape. Without support there, they have no series."""
    system = ProcessCollector(registry=None)

    def read(name: str) -> list[tuple[tuple[str, ...], float]]:
        return [((), sample.value) for family in system.collect() for sample in family.samples if sample.name == name]

    for metric in (metrics.process_cpu_seconds, metrics.process_resident_bytes, metrics.process_open_files):
        metric.read_from(partial(read, metric.name))
