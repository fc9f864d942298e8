"""Every metric of this service: its name, unit and meaning stand here and nowhere else.

To add one, add a line to `Metrics`, write it where it happens or let it `read_from` where it is known, and renew
docs/metrics.md (`housing-price-orchestrator metrics > docs/metrics.md`). One thread writes a series; what another
thread counts is read from it.
"""

from collections.abc import Iterator

from housing_price_orchestrator.observability.instruments import Counter, Gauge, Histogram, Instrument

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10)
_PHASE_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2)
_DEVIATIONS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1)
_ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
# The survey's houses sold for 12,789 to 755,000 US dollars.
_USD = (
    25_000, 50_000, 75_000, 100_000, 125_000, 150_000, 175_000, 200_000, 250_000, 300_000, 400_000, 500_000, 750_000,
    1_000_000,
)  # fmt: skip


class Metrics:
    """What this process counts; each attribute is one metric."""

    def __init__(self) -> None:
        # Requests.
        self.request_seconds = Histogram(
            "housing_price_request_duration_seconds",
            "Requests: how many, and how long from the first byte to the last. `route` is the path as it is declared, "
            "or `none` where it is no operation; `status` is 499 where the caller left.",
            unit="seconds",
            labels=("method", "route", "status"),
            bounds=_SECONDS,
        )
        self.requests_in_flight = Gauge(
            "housing_price_requests_in_flight", "Requests that are being answered.", unit="requests"
        )
        self.request_rows = Counter(
            "housing_price_request_rows_total",
            "Houses that were read, of requests that ask for prices.",
            unit="houses",
            labels=("route",),
        )
        self.phase_seconds = Histogram(
            "housing_price_request_phase_seconds",
            "Where the time of single houses and batches goes: `validate` (without waiting for the body), `queue` "
            "(until a call takes them along), `model` (that call) and `encode`.",
            unit="seconds",
            labels=("phase",),
            bounds=_PHASE_SECONDS,
        )
        self.refusals = Counter(
            "housing_price_refusals_total",
            "Requests and lines of streams that got an error; `reason` is the last part of the problem's `type`.",
            unit="requests",
            labels=("reason",),
        )
        self.validation_failures = Counter(
            "housing_price_validation_failures_total",
            "Findings in documents that break the contract, by the feature concerned; `other` for all that is none.",
            unit="findings",
            labels=("field",),
        )
        # Prices.
        self.prices = Counter(
            "housing_price_prices_total",
            "Prices that were made, by the model that made them.",
            unit="houses",
            labels=("model_version", "model_id"),
        )
        self.price_usd = Histogram(
            "housing_price_predicted_price_usd",
            "How the predicted prices are distributed.",
            unit="US dollars",
            bounds=_USD,
        )
        # The versions beside each other.
        self.variant_seconds = Histogram(
            "housing_price_variant_duration_seconds",
            "Requests, or parts of batches, that a version answered in a part (`champion`, `canary` or `shadow`): how "
            "many, and how long they took.",
            unit="seconds",
            labels=("variant", "version"),
            bounds=_SECONDS,
        )
        self.variant_rows = Counter(
            "housing_price_variant_rows_total",
            "Houses that a version priced in a part.",
            unit="houses",
            labels=("variant", "version"),
        )
        self.variant_errors = Counter(
            "housing_price_variant_errors_total",
            "Requests, or parts of batches, that a version did not answer in a part; a canary's were answered by the "
            "champion.",
            unit="requests",
            labels=("variant", "version"),
        )
        self.variant_weight = Gauge(
            "housing_price_variant_weight",
            "The share of the houses that a version answers for, in any worker.",
            unit="share",
            labels=("variant", "version"),
            across=max,
        )
        self.canary_deviation = Histogram(
            "housing_price_canary_deviation_ratio",
            "How far a canary's prices are from the champion's for the same houses, of a sample: |log(price / price)|.",
            unit="ratio",
            labels=("version",),
            bounds=_DEVIATIONS,
        )
        self.canary_stopped = Counter(
            "housing_price_canary_stopped_total",
            "How often a worker stopped a canary; `reason` is the limit that it passed: `errors`, `latency` or "
            "`deviation`.",
            unit="times",
            labels=("version", "reason"),
        )
        self.routes_revision = Gauge(
            "housing_price_routes_revision",
            "The revision of the routes that every worker uses at least; 0 where there is no file of routes.",
            unit="revision",
            across=min,
        )
        self.routes_unusable = Gauge(
            "housing_price_routes_unusable",
            "1 where some worker cannot use the file of routes as it is, and keeps to what it knew, else 0.",
            unit="yes or no",
            across=max,
        )
        # Calls to the model servers.
        self.call_seconds = Histogram(
            "housing_price_model_call_duration_seconds",
            "Calls to the model servers: how many, and how long with all attempts. `outcome` is `priced`, `cancelled` "
            "(all callers left) or the name of the error.",
            unit="seconds",
            labels=("outcome",),
            bounds=_SECONDS,
        )
        self.call_rows = Histogram(
            "housing_price_model_call_rows", "Houses per call: what coalescing brings.", unit="houses", bounds=_ROWS
        )
        self.call_retries = Counter(
            "housing_price_model_call_retries_total", "Attempts beyond the first of each call.", unit="attempts"
        )
        self.call_retries_refused = Counter(
            "housing_price_model_call_retries_refused_total",
            "Attempts that the budget for retries did not allow.",
            unit="attempts",
        )
        self.circuit_state = Gauge(
            "housing_price_circuit_state",
            "In how many workers the circuit to a model server is `closed`, `open` or `half-open`.",
            unit="workers",
            labels=("address", "state"),
        )
        self.circuit_opened = Counter(
            "housing_price_circuit_opened_total",
            "How often the circuit to a model server was opened.",
            unit="times",
            labels=("address",),
        )
        self.calls_in_flight = Gauge("housing_price_model_calls_in_flight", "Calls that are under way.", unit="calls")
        self.waiting_requests = Gauge(
            "housing_price_waiting_requests",
            "Requests, or pieces of large ones, that wait for a call.",
            unit="requests",
        )
        self.waiting_rows = Gauge("housing_price_waiting_rows", "Houses that wait for a call.", unit="houses")
        # The prediction log.
        self.prediction_log_queued = Gauge(
            "housing_price_prediction_log_queued_rows", "Prices that wait to be written down.", unit="prices"
        )
        self.prediction_log_stored = Counter(
            "housing_price_prediction_log_stored_rows_total", "Prices that were written down.", unit="prices"
        )
        self.prediction_log_dropped = Counter(
            "housing_price_prediction_log_dropped_rows_total",
            "Prices that were answered and not written down, because too many waited or the database refused them.",
            unit="prices",
        )
        self.prediction_log_away = Gauge(
            "housing_price_prediction_log_away",
            "1 where some worker could not write to the database when it last tried, else 0.",
            unit="yes or no",
            across=max,
        )
        # The shadow.
        self.shadow_rows = Counter(
            "housing_price_shadow_rows_total",
            "Houses that were copied for the shadow, by what became of them: `priced`; `dropped`, because too many "
            "waited or the shadow was taken away; or the name of the error.",
            unit="houses",
            labels=("outcome",),
        )
        self.shadow_queued = Gauge(
            "housing_price_shadow_queued_rows", "Houses that wait for the shadow.", unit="houses"
        )
        self.shadow_call_seconds = Histogram(
            "housing_price_shadow_call_duration_seconds",
            "Calls to the shadow: how many, and how long, those that failed too.",
            unit="seconds",
            bounds=_SECONDS,
        )
        self.shadow_deviation = Histogram(
            "housing_price_shadow_deviation",
            "How far the shadow's prices are from those that were answered: |ln(shadow's / answered)|.",
            unit="ratio, as a logarithm",
            bounds=_DEVIATIONS,
        )
        self.shadow_log_stored = Counter(
            "housing_price_shadow_log_stored_rows_total", "Prices of the shadow that were written down.", unit="prices"
        )
        self.shadow_log_dropped = Counter(
            "housing_price_shadow_log_dropped_rows_total",
            "Prices of the shadow that were made and not written down.",
            unit="prices",
        )
        # The service itself.
        self.ready = Gauge(
            "housing_price_ready",
            "1 where every worker can have prices made now, else 0.",
            unit="yes or no",
            across=min,
        )
        self.workers = Gauge("housing_price_workers", "Worker processes that are alive.", unit="processes")
        self.model_info = Gauge(
            "housing_price_model_info",
            "1 for the model that answered readiness last.",
            unit="yes",
            labels=("name", "version", "id"),
            across=max,
        )
        self.build_info = Gauge(
            "housing_price_build_info",
            "1 for the version that runs.",
            unit="yes",
            labels=("version", "python"),
            across=max,
        )
        # The process, by the names that every client of Prometheus gives them.
        self.process_cpu_seconds = Counter(
            "process_cpu_seconds_total", "Processor time, of all workers together.", unit="seconds"
        )
        self.process_resident_bytes = Gauge(
            "process_resident_memory_bytes", "Memory in use, of all workers together.", unit="bytes"
        )
        self.process_open_files = Gauge(
            "process_open_fds", "Open files and connections, of all workers together.", unit="files"
        )

    def __iter__(self) -> Iterator[Instrument]:
        """Give every metric, in the order of their definitions."""
        return iter(vars(self).values())
