"""Every metric of this service, with its name, unit and meaning.

To add a metric, add it to `Metrics`, update it where the event happens or register a callback with `read_from`, and
regenerate docs/metrics.md (`housing-price-orchestrator metrics > docs/metrics.md`). Only one thread may write a series;
use `read_from` for values that another thread counts.
"""

from collections.abc import Iterator
from typing import Final

from housing_price_orchestrator.observability.instruments import Counter, Gauge, Histogram, Instrument

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10)
_PHASE_SECONDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2)
_DEVIATIONS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1)
_ROWS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
# Buckets cover the survey's sale prices: 12,789 to 755,000 US dollars.
_USD: Final = (
    25_000, 50_000, 75_000, 100_000, 125_000, 150_000, 175_000, 200_000, 250_000, 300_000, 400_000, 500_000, 750_000,
    1_000_000,
)  # fmt: skip


class Metrics:
    """The metrics of this process; each attribute is one metric."""

    def __init__(self) -> None:
        # Requests.
        self.request_seconds = Histogram(
            "housing_price_request_duration_seconds",
            "Duration of requests, from the first byte received to the last byte sent. `route` is the path template, "
            "or `none` for unknown paths; `status` is 499 if the client disconnected. Over gRPC, `method` is `GRPC`, "
            "`route` is the path of the method, and `status` that of the same answer over HTTP.",
            unit="seconds",
            labels=("method", "route", "status"),
            bounds=_SECONDS,
        )
        self.requests_in_flight = Gauge("housing_price_requests_in_flight", "Requests in progress.", unit="requests")
        self.request_rows = Counter(
            "housing_price_request_rows_total",
            "Houses received for pricing.",
            unit="houses",
            labels=("route",),
        )
        self.phase_seconds = Histogram(
            "housing_price_request_phase_seconds",
            "Duration of the phases of single predictions and batches: `validate` (excluding receiving the body), "
            "`queue` (waiting for a model server call), `model` (the call) and `encode`.",
            unit="seconds",
            labels=("phase",),
            bounds=_PHASE_SECONDS,
        )
        self.refusals = Counter(
            "housing_price_refusals_total",
            "Requests and stream lines answered with an error; `reason` is the last segment of the problem's `type`.",
            unit="requests",
            labels=("reason",),
        )
        self.validation_failures = Counter(
            "housing_price_validation_failures_total",
            "Validation errors by feature; `other` for any field that is not a feature.",
            unit="errors",
            labels=("field",),
        )
        # Prices.
        self.prices = Counter(
            "housing_price_prices_total",
            "Prices returned, by model.",
            unit="houses",
            labels=("model_version", "model_id"),
        )
        self.price_usd = Histogram(
            "housing_price_predicted_price_usd",
            "Distribution of the predicted prices.",
            unit="US dollars",
            bounds=_USD,
        )
        # Valuations.
        self.valuation_parts = Counter(
            "housing_price_valuation_parts_total",
            "Valuations of houses, by part (`comparables`, `explanation`). `outcome` is `answered` or the name of the "
            "error with which the part failed. A part that a request leaves out does not count, except for "
            "`comparables`, from which each value follows.",
            unit="houses",
            labels=("part", "outcome"),
        )
        # Champion, canary and shadow.
        self.variant_seconds = Histogram(
            "housing_price_variant_duration_seconds",
            "Duration of requests, or parts of batches, that a version answered in its role (`variant`): `champion`, "
            "`canary` or `shadow`.",
            unit="seconds",
            labels=("variant", "version"),
            bounds=_SECONDS,
        )
        self.variant_rows = Counter(
            "housing_price_variant_rows_total",
            "Houses priced by a version in its role.",
            unit="houses",
            labels=("variant", "version"),
        )
        self.variant_errors = Counter(
            "housing_price_variant_errors_total",
            "Requests, or parts of batches, that a version failed to answer in its role. The champion answers those of "
            "a canary.",
            unit="requests",
            labels=("variant", "version"),
        )
        self.variant_weight = Gauge(
            "housing_price_variant_weight",
            "Share of houses routed to a version: the maximum over all workers.",
            unit="share",
            labels=("variant", "version"),
            merge=max,
        )
        self.canary_deviation = Histogram(
            "housing_price_canary_deviation_ratio",
            "Deviation of a canary's prices from the champion's for a sample of houses, as the absolute log ratio.",
            unit="ratio",
            labels=("version",),
            bounds=_DEVIATIONS,
        )
        self.canary_stopped = Counter(
            "housing_price_canary_stopped_total",
            "Times that a worker stopped a canary; `reason` is the limit that was exceeded: `errors`, `latency` or "
            "`deviation`.",
            unit="times",
            labels=("version", "reason"),
        )
        self.routes_revision = Gauge(
            "housing_price_routes_revision",
            "Revision of the routes in use: the minimum over all workers; 0 without a routes file.",
            unit="revision",
            merge=min,
        )
        self.routes_unusable = Gauge(
            "housing_price_routes_unusable",
            "1 if any worker found the routes file invalid and keeps its previous routes, else 0.",
            unit="yes or no",
            merge=max,
        )
        # Calls to the model servers.
        self.call_seconds = Histogram(
            "housing_price_model_call_duration_seconds",
            "Duration of calls to the model servers, including retries. `outcome` is `priced` (for comparables: sales "
            "were found), `cancelled` (all clients disconnected) or the name of the error.",
            unit="seconds",
            labels=("outcome", "model"),
            bounds=_SECONDS,
        )
        self.call_rows = Histogram(
            "housing_price_model_call_rows",
            "Houses per model server call; coalescing increases it.",
            unit="houses",
            labels=("model",),
            bounds=_ROWS,
        )
        self.call_retries = Counter(
            "housing_price_model_call_retries_total",
            "Retries: attempts after the first of a call.",
            unit="attempts",
            labels=("model",),
        )
        self.call_retries_refused = Counter(
            "housing_price_model_call_retries_refused_total",
            "Retries that the retry budget did not allow.",
            unit="attempts",
            labels=("model",),
        )
        self.circuit_state = Gauge(
            "housing_price_circuit_state",
            "Workers in which the circuit of a model server is `closed`, `open` or `half-open`.",
            unit="workers",
            labels=("address", "state", "model"),
        )
        self.circuit_opened = Counter(
            "housing_price_circuit_opened_total",
            "Times that the circuit of a model server opened.",
            unit="times",
            labels=("address", "model"),
        )
        self.calls_in_flight = Gauge(
            "housing_price_model_calls_in_flight", "Model server calls in progress.", unit="calls", labels=("model",)
        )
        self.waiting_requests = Gauge(
            "housing_price_waiting_requests",
            "Requests, or parts of large requests, that wait for a model server call.",
            unit="requests",
            labels=("model",),
        )
        self.waiting_rows = Gauge(
            "housing_price_waiting_rows", "Houses that wait for a model server call.", unit="houses", labels=("model",)
        )
        # The prediction log.
        self.prediction_log_queued = Gauge(
            "housing_price_prediction_log_queued_rows",
            "Prices that wait to be written to the prediction log.",
            unit="prices",
        )
        self.prediction_log_stored = Counter(
            "housing_price_prediction_log_stored_rows_total", "Prices written to the prediction log.", unit="prices"
        )
        self.prediction_log_dropped = Counter(
            "housing_price_prediction_log_dropped_rows_total",
            "Prices returned but not logged, because the queue was full or the database rejected them.",
            unit="prices",
        )
        self.prediction_log_away = Gauge(
            "housing_price_prediction_log_away",
            "1 from a failed write of any worker to the prediction log until a successful one, and while prices have "
            "waited for 5 s without a confirmed write; else 0.",
            unit="yes or no",
            merge=max,
        )
        # The shadow.
        self.shadow_rows = Counter(
            "housing_price_shadow_rows_total",
            "Houses copied to the shadow. `outcome` is `priced`, `dropped` (the queue was full or the shadow was "
            "removed) or the name of the error.",
            unit="houses",
            labels=("outcome",),
        )
        self.shadow_queued = Gauge(
            "housing_price_shadow_queued_rows", "Houses that wait for the shadow.", unit="houses"
        )
        self.shadow_call_seconds = Histogram(
            "housing_price_shadow_call_duration_seconds",
            "Duration of calls to the shadow, including failed ones.",
            unit="seconds",
            bounds=_SECONDS,
        )
        self.shadow_deviation = Histogram(
            "housing_price_shadow_deviation",
            "Deviation of the shadow's prices from the returned prices, as the absolute log ratio.",
            unit="ratio, as a logarithm",
            bounds=_DEVIATIONS,
        )
        self.shadow_log_stored = Counter(
            "housing_price_shadow_log_stored_rows_total", "Shadow prices written to the prediction log.", unit="prices"
        )
        self.shadow_log_dropped = Counter(
            "housing_price_shadow_log_dropped_rows_total",
            "Shadow prices that were not logged, because the queue was full or the database rejected them.",
            unit="prices",
        )
        self.shadow_log_away = Gauge(
            "housing_price_shadow_log_away",
            "The same as `housing_price_prediction_log_away`, for shadow prices.",
            unit="yes or no",
            merge=max,
        )
        # Jobs, whose figures every process reads from the database that they share.
        self.jobs = Gauge(
            "housing_price_jobs",
            "Jobs that wait for a worker (`queued`) and that a worker has taken (`running`).",
            unit="jobs",
            labels=("queue", "state"),
            merge=max,
        )
        self.jobs_oldest_queued_seconds = Gauge(
            "housing_price_jobs_oldest_queued_seconds",
            "Time since the submission of the oldest job that waits for a worker; 0 if none waits.",
            unit="seconds",
            labels=("queue",),
            merge=max,
        )
        self.jobs_failed_last_hour = Gauge(
            "housing_price_jobs_failed_last_hour",
            "Jobs that failed within the last hour.",
            unit="jobs",
            labels=("queue",),
            merge=max,
        )
        self.job_workers = Gauge(
            "housing_price_job_workers",
            "Workers that run (`running`), and workers that ended within the last day without being told to "
            "(`stopped`). A worker counts as stopped 40 s after its last report. "
            "A queue without reports has no series.",
            unit="workers",
            labels=("queue", "state"),
            merge=max,
        )
        self.jobs_database_away = Gauge(
            "housing_price_jobs_database_away",
            "1 if the jobs database did not answer the latest query for these figures, else 0. Without an answer, the "
            "other metrics of jobs have no series.",
            unit="yes or no",
            merge=max,
        )
        # The service.
        self.ready = Gauge(
            "housing_price_ready",
            "1 if every worker is ready to price houses, else 0.",
            unit="yes or no",
            merge=min,
        )
        self.model_ready = Gauge(
            "housing_price_model_ready",
            "1 if a model answers the probes of every worker, else 0. Without `comparables`, valuations have the price "
            "alone.",
            unit="yes or no",
            labels=("model",),
            merge=min,
        )
        self.workers = Gauge("housing_price_workers", "Live worker processes.", unit="processes")
        self.model_info = Gauge(
            "housing_price_model_info",
            "Always 1; the labels name each model that answered the latest readiness probe.",
            unit="yes",
            labels=("name", "version", "id"),
            merge=max,
        )
        self.build_info = Gauge(
            "housing_price_build_info",
            "Always 1; the labels name the running version.",
            unit="yes",
            labels=("version", "python"),
            merge=max,
        )
        # The process, under the standard names of Prometheus client libraries.
        self.process_cpu_seconds = Counter(
            "process_cpu_seconds_total", "CPU time, summed over all workers.", unit="seconds"
        )
        self.process_resident_bytes = Gauge(
            "process_resident_memory_bytes", "Resident memory, summed over all workers.", unit="bytes"
        )
        self.process_open_files = Gauge(
            "process_open_fds", "Open file descriptors, summed over all workers.", unit="files"
        )

    def __iter__(self) -> Iterator[Instrument]:
        """Iterate over all metrics in the order of definition."""
        return iter(vars(self).values())
