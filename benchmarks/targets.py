"""The targets of the benchmarks, compared with the figures of a run."""

# ruff: noqa: PLR2004 - the numbers are the targets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks import contenders
from benchmarks.medians import Medians
from benchmarks.scenarios import BATCH_ROWS, BUSY_CONNECTIONS, LOG_COST_BUSY, LOG_COST_ONE_CONNECTION


@dataclass(frozen=True)
class TargetRow:
    """One line of the table of targets."""

    figure: str
    """The measured figure."""
    target: str
    """The value to reach."""
    measured: str
    """The measured value, as text."""
    is_reached: bool | None
    """Whether the target was reached; None if it was not measured."""


type _Measured = tuple[str, bool] | None


def rows(medians: Medians) -> list[TargetRow]:
    """Compare every target with the medians of a run."""
    return [
        TargetRow(figure, target, *(measure(medians) or ("not measured", None))) for figure, target, measure in _TARGETS
    ]


def _stub_quiet(medians: Medians) -> _Measured:
    ours = medians.get("connections", contenders.QUIET_OVER_STUB, "per_second", BUSY_CONNECTIONS)
    plain = medians.get("connections", contenders.STRAIGHTFORWARD_OVER_STUB, "per_second", BUSY_CONNECTIONS)
    if ours is None:
        return None
    if plain is None:
        return f"{ours:,.0f}/s, (b) not measured", ours >= 8_000
    return f"{ours:,.0f}/s, {ours / plain:.0f}x ({plain:,.0f}/s)", ours >= 8_000 and ours >= 35 * plain


def _stub_shipped(medians: Medians) -> _Measured:
    ours = medians.get("connections", contenders.SHIPPED_OVER_STUB, "per_second", BUSY_CONNECTIONS)
    return None if ours is None else (f"{ours:,.0f}/s", ours >= 5_000)


def _stub_added_latency(medians: Medians) -> _Measured:
    p50, p99 = _added_ms(medians, "p50_ms"), _added_ms(medians, "p99_ms")
    if p50 is None or p99 is None:
        return None
    return f"+{p50:.2f} ms / +{p99:.2f} ms", p50 <= 0.75 and p99 <= 2


def _stub_batch(medians: Medians) -> _Measured:
    ours = medians.get("rows", contenders.SHIPPED_OVER_STUB, "p50_ms", BATCH_ROWS)
    return None if ours is None else (f"{ours:.1f} ms", ours <= 12)


def _compared_with_best_of(others: tuple[str, ...], factor: float, at: int | None) -> Callable[[Medians], _Measured]:
    def measured(medians: Medians) -> _Measured:
        if at is None:
            best = medians.best("connections", (contenders.OURS,), "per_second")
            ours = best[0] if best else None
        else:
            ours = medians.get("connections", contenders.OURS, "per_second", at)
        best_other = medians.best("connections", others, "per_second")
        if ours is None or best_other is None:
            return None
        value, name, connections = best_other
        text = f"{ours:,.0f}/s, {ours / value:.1f}x ({name}: {value:,.0f}/s at {connections})"
        return text, ours >= factor * value

    return measured


def _compared_with_model_server(rows: int, factor: float, added_ms: float) -> Callable[[Medians], _Measured]:
    def measured(medians: Medians) -> _Measured:
        ours = medians.get("rows", contenders.OURS, "p50_ms", rows)
        direct = medians.get("rows", contenders.OUR_MODEL_SERVER, "p50_ms", rows)
        if ours is None or direct is None:
            return None
        text = f"{ours:.2f} ms, {ours / direct:.2f}x, +{ours - direct:.2f} ms ({direct:.2f} ms)"
        return text, ours <= factor * direct or ours <= direct + added_ms

    return measured


def _stream(medians: Medians) -> _Measured:
    ours = medians.get("stream", contenders.OURS, "rows_per_second")
    growth = max(medians.all("stream", contenders.OURS, "grown_mib"), default=None)
    direct = medians.get("batches at once", contenders.OUR_MODEL_SERVER, "rows_per_second")
    if ours is None or growth is None or direct is None:
        return None
    text = f"{ours:,.0f} rows/s, {ours / direct:.0%} of {direct:,.0f}; +{growth:.0f} MiB at most"
    return text, (ours >= 15_000 or ours >= 0.8 * direct) and growth <= 50


def _half_of_peak(medians: Medians) -> _Measured:
    p50 = medians.get("half of peak", contenders.OURS, "p50_ms")
    p99 = medians.get("half of peak", contenders.OURS, "p99_ms")
    rate = medians.get("half of peak", contenders.OURS, "rate")
    if p50 is None or p99 is None or rate is None:
        return None
    return f"{p99:.1f} ms, {p99 / p50:.1f}x p50 ({p50:.1f} ms) at {rate:,.0f}/s", p99 <= 3 * p50


def _during_batches(medians: Medians) -> _Measured:
    quiet = medians.get("quiet", contenders.OURS, "p99_ms")
    with_batches = medians.get("singles beside batches", contenders.OURS, "p99_ms")
    if quiet is None or with_batches is None:
        return None
    return (
        f"{with_batches:.0f} ms, +{with_batches - quiet:.0f} ms (without batches {quiet:.1f} ms)",
        with_batches <= quiet + 100,
    )


def _coalesced(medians: Medians) -> _Measured:
    checked = medians.all("coalesced", contenders.OURS, "coalesced")
    different = medians.all("coalesced", contenders.OURS, "different")
    if not checked:
        return None
    return f"{sum(checked):,.0f} compared, {sum(different):.0f} different", not any(different)


def _log_cost(logged: str, unlogged: str) -> Callable[[Medians], _Measured]:
    def measured(medians: Medians) -> _Measured:
        busy = [medians.get(LOG_COST_BUSY, name, "per_second") for name in (logged, unlogged)]
        one_connection = [medians.get(LOG_COST_ONE_CONNECTION, name, "p50_ms") for name in (logged, unlogged)]
        if busy[0] is None or busy[1] is None or one_connection[0] is None or one_connection[1] is None:
            return None
        lost, added = 1 - busy[0] / busy[1], one_connection[0] - one_connection[1]
        return f"{lost:.1%} of {busy[1]:,.0f}/s; {added:+.2f} ms", lost <= 0.07 and added <= 0.1

    return measured


def _added_ms(medians: Medians, figure: str) -> float | None:
    first = medians.get("rows", contenders.SHIPPED_OVER_STUB, figure, 1)
    second = medians.get("rows", contenders.STUB, figure, 1)
    return None if first is None or second is None else first - second


_MAX_LOG_COST: Final = "<= 7 % of throughput at 128 connections; <= 0.1 ms of p50 at 1"

_TARGETS: Final[tuple[tuple[str, str, Callable[[Medians], _Measured]], ...]] = (
    ("over the stub: singles, 128 connections, logs off", ">= 8,000/s and >= 35x (b)", _stub_quiet),
    ("over the stub: singles, 128 connections, as shipped", ">= 5,000/s", _stub_shipped),
    ("over the stub: added p50 / p99 at one connection", "<= 0.75 ms / <= 2 ms", _stub_added_latency),
    ("over the stub: p50 of a batch of 1,000", "<= 12 ms", _stub_batch),
    (
        "singles at 128 connections, compared with the best of (a0)",
        ">= 60x",
        _compared_with_best_of((contenders.STOCK_MLFLOW,), 60, BUSY_CONNECTIONS),
    ),
    (
        "singles, compared with the best of (e) and (f)",
        ">= 3.5x",
        _compared_with_best_of((contenders.LITSERVE, contenders.BENTOML), 3.5, None),
    ),
    ("p50 at one connection, compared with (a)", "<= +0.9 ms", _compared_with_model_server(1, 1, 0.9)),
    (
        "p50 of a batch of 1,000, compared with (a)",
        "<= 1.5x",
        _compared_with_model_server(BATCH_ROWS, 1.5, 0),
    ),
    ("stream of 100,000 houses", ">= 15,000 rows/s or >= 80 % of (a); <= +50 MiB", _stream),
    ("p99 of singles at half the peak rate", "<= 3x p50", _half_of_peak),
    ("p99 of singles at 100/s during batches of 10,000", "<= without batches + 100 ms", _during_batches),
    ("cost of the prediction log", _MAX_LOG_COST, _log_cost(contenders.OURS, contenders.UNLOGGED)),
    (
        "over the stub: cost of the prediction log",
        _MAX_LOG_COST,
        _log_cost(contenders.SHIPPED_OVER_STUB, contenders.UNLOGGED_OVER_STUB),
    ),
    ("coalesced prices equal uncoalesced ones", "bit for bit", _coalesced),
)
