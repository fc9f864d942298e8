"""What a process uses, as prometheus-client reads it from the system."""

from functools import partial

from prometheus_client import ProcessCollector

from housing_price_orchestrator.observability.metrics import Metrics


def read_process(metrics: Metrics) -> None:
    """Read the metrics of this process from the system; where the system does not tell, they have no series."""
    system = ProcessCollector(registry=None)

    def read(name: str) -> list[tuple[tuple[str, ...], float]]:
        return [((), sample.value) for family in system.collect() for sample in family.samples if sample.name == name]

    for one in (metrics.process_cpu_seconds, metrics.process_resident_bytes, metrics.process_open_files):
        one.read_from(partial(read, one.name))
