import pytest

from fakes import FakeJobQueue
from housing_price_orchestrator.composition.job_metrics import JobMetrics
from housing_price_orchestrator.observability.exposition import Exposition
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.shared.errors import JobsUnavailable
from housing_price_orchestrator.shared.jobs import JOB_KINDS, JobKind, JobOrder, QueueFigures

pytestmark = pytest.mark.anyio


class QueueWithWorkers(FakeJobQueue):
    """A queue whose scoring workers report: two run, and one has stopped."""

    def _figures_of(self, kind: JobKind) -> QueueFigures:
        figures = super()._figures_of(kind)
        if kind != "scoring":
            return figures
        return QueueFigures(
            figures.waiting, figures.running, figures.oldest_waiting_seconds, figures.failed_last_hour, 2, 1
        )


def order(number: int, kind: JobKind = "scoring") -> JobOrder:
    return JobOrder(str(number), kind, "me", "f", {})


async def series(queue: FakeJobQueue, metrics: Metrics, job_metrics: JobMetrics | None = None) -> dict[str, float]:
    """Read the queue and return the series of jobs that Prometheus gets."""
    await (job_metrics or JobMetrics(queue, metrics)).read()
    page = Exposition(metrics).page("")[0].decode()
    lines = [line.rpartition(" ") for line in page.splitlines() if line.startswith("housing_price_job")]
    return {name: float(value) for name, _, value in lines}


async def test_each_queue_has_its_figures() -> None:
    queue = QueueWithWorkers()
    for number in range(4):
        await queue.submit(order(number))
    queue.takes("0")
    queue.takes("1")
    queue.fails("1", "x", "y")
    await queue.submit(order(9, "training"))
    found = await series(queue, Metrics())
    assert found['housing_price_jobs{queue="scoring",state="queued"}'] == 2
    assert found['housing_price_jobs{queue="scoring",state="running"}'] == 1
    assert found['housing_price_jobs{queue="training",state="queued"}'] == 1
    assert found['housing_price_jobs_failed_last_hour{queue="scoring"}'] == 1
    assert found['housing_price_jobs_oldest_queued_seconds{queue="scoring"}'] > 0
    assert found['housing_price_jobs_oldest_queued_seconds{queue="lifecycle"}'] == 0
    assert found["housing_price_jobs_database_away"] == 0
    workers = {name: value for name, value in found.items() if name.startswith("housing_price_job_workers")}
    assert workers == {
        'housing_price_job_workers{queue="scoring",state="running"}': 2,
        'housing_price_job_workers{queue="scoring",state="stopped"}': 1,
    }
    assert len([name for name in found if name.startswith("housing_price_jobs{")]) == 2 * len(JOB_KINDS)


@pytest.mark.parametrize("error", [JobsUnavailable("locked"), RuntimeError("unforeseen")])
async def test_without_the_database_old_figures_are_not_shown(error: Exception) -> None:
    queue, metrics = FakeJobQueue(), Metrics()
    reading = JobMetrics(queue, metrics)
    await queue.submit(order(1))
    before = await series(queue, metrics, reading)
    queue.error = error
    assert await series(queue, metrics, reading) == {"housing_price_jobs_database_away": 1}
    queue.error = None
    assert await series(queue, metrics, reading) == before


def test_a_service_without_jobs_shows_no_queue() -> None:
    page = Exposition(Metrics()).page("")[0].decode()
    assert "housing_price_jobs{" not in page
    assert "housing_price_jobs_database_away 0.0" in page
