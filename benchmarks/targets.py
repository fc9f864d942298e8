"""What the figures must show: one row per promise, with what was measured beside it."""

# ruff: noqa: PLR2004 - the numbers are the promises

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import contenders as who
from benchmarks.medians import Medians
from benchmarks.scenarios import BATCH_ROWS, BUSY_CONNECTIONS, LOGGED_BUSY, LOGGED_ONE


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: What is promised.
        promise: What is to be reached.
        measured: What was measured, in words.
        is_kept: Whether it was reached; None where it was not measured.
    """

    what: str
    promise: str
    measured: str
    is_kept: bool | None


type _Found = tuple[str, bool] | None


def rows(medians: Medians) -> list[Row]:
    """Compare every promise with the medians of a run."""
    return [Row(what, promise, *(measured(medians) or ("not measured", None))) for what, promise, measured in _PROMISES]


def _alone_quiet(medians: Medians) -> _Found:
    ours = medians.get("connections", who.QUIET_ALONE, "per_second", BUSY_CONNECTIONS)
    plain = medians.get("connections", who.PLAIN_ALONE, "per_second", BUSY_CONNECTIONS)
    if ours is None:
        return None
    if plain is None:
        return f"{ours:,.0f}/s, (b) not measured", ours >= 8_000
    return f"{ours:,.0f}/s, {ours / plain:.0f}x ({plain:,.0f}/s)", ours >= 8_000 and ours >= 35 * plain


def _alone_shipped(medians: Medians) -> _Found:
    ours = medians.get("connections", who.SHIPPED_ALONE, "per_second", BUSY_CONNECTIONS)
    return None if ours is None else (f"{ours:,.0f}/s", ours >= 5_000)


def _alone_added(medians: Medians) -> _Found:
    p50, p99 = _added(medians, "p50_ms"), _added(medians, "p99_ms")
    if p50 is None or p99 is None:
        return None
    return f"+{p50:.2f} ms / +{p99:.2f} ms", p50 <= 0.75 and p99 <= 2


def _alone_batch(medians: Medians) -> _Found:
    ours = medians.get("rows", who.SHIPPED_ALONE, "p50_ms", BATCH_ROWS)
    return None if ours is None else (f"{ours:.1f} ms", ours <= 12)


def _against(others: tuple[str, ...], factor: float, at: int | None) -> Callable[[Medians], _Found]:
    def measured(medians: Medians) -> _Found:
        if at is None:
            best = medians.best("connections", (who.OURS,), "per_second")
            ours = best[0] if best else None
        else:
            ours = medians.get("connections", who.OURS, "per_second", at)
        theirs = medians.best("connections", others, "per_second")
        if ours is None or theirs is None:
            return None
        value, name, connections = theirs
        words = f"{ours:,.0f}/s, {ours / value:.1f}x ({name}: {value:,.0f}/s at {connections})"
        return words, ours >= factor * value

    return measured


def _over_serve(rows: int, factor: float, added_ms: float) -> Callable[[Medians], _Found]:
    def measured(medians: Medians) -> _Found:
        ours = medians.get("rows", who.OURS, "p50_ms", rows)
        theirs = medians.get("rows", who.SERVE, "p50_ms", rows)
        if ours is None or theirs is None:
            return None
        words = f"{ours:.2f} ms, {ours / theirs:.2f}x, +{ours - theirs:.2f} ms ({theirs:.2f} ms)"
        return words, ours <= factor * theirs or ours <= theirs + added_ms

    return measured


def _stream(medians: Medians) -> _Found:
    ours = medians.get("stream", who.OURS, "rows_per_second")
    grown = max(medians.all("stream", who.OURS, "grown_mib"), default=None)
    direct = medians.get("batches at once", who.SERVE, "rows_per_second")
    if ours is None or grown is None or direct is None:
        return None
    words = f"{ours:,.0f} rows/s, {ours / direct:.0%} of {direct:,.0f}; +{grown:.0f} MiB at most"
    return words, (ours >= 15_000 or ours >= 0.8 * direct) and grown <= 50


def _half_of_peak(medians: Medians) -> _Found:
    p50 = medians.get("half of peak", who.OURS, "p50_ms")
    p99 = medians.get("half of peak", who.OURS, "p99_ms")
    rate = medians.get("half of peak", who.OURS, "rate")
    if p50 is None or p99 is None or rate is None:
        return None
    return f"{p99:.1f} ms, {p99 / p50:.1f}x p50 ({p50:.1f} ms) at {rate:,.0f}/s", p99 <= 3 * p50


def _beside_batches(medians: Medians) -> _Found:
    quiet = medians.get("quiet", who.OURS, "p99_ms")
    beside = medians.get("batches beside", who.OURS, "p99_ms")
    if quiet is None or beside is None:
        return None
    return f"{beside:.0f} ms, +{beside - quiet:.0f} ms (quiet {quiet:.1f} ms)", beside <= quiet + 100


def _coalesced(medians: Medians) -> _Found:
    checked = medians.all("coalesced", who.OURS, "coalesced")
    different = medians.all("coalesced", who.OURS, "different")
    if not checked:
        return None
    return f"{sum(checked):,.0f} compared, {sum(different):.0f} different", not any(different)


def _logged(logged: str, unlogged: str) -> Callable[[Medians], _Found]:
    def measured(medians: Medians) -> _Found:
        busy = [medians.get(LOGGED_BUSY, name, "per_second") for name in (logged, unlogged)]
        one = [medians.get(LOGGED_ONE, name, "p50_ms") for name in (logged, unlogged)]
        if busy[0] is None or busy[1] is None or one[0] is None or one[1] is None:
            return None
        lost, added = 1 - busy[0] / busy[1], one[0] - one[1]
        return f"{lost:.1%} of {busy[1]:,.0f}/s; {added:+.2f} ms", lost <= 0.05 and added <= 0.1

    return measured


def _added(medians: Medians, figure: str) -> float | None:
    first = medians.get("rows", who.SHIPPED_ALONE, figure, 1)
    second = medians.get("rows", who.STUB, figure, 1)
    return None if first is None or second is None else first - second


_LOG_COSTS = "<= 5 % of throughput at 128; <= 0.1 ms p50 at 1"

_PROMISES: tuple[tuple[str, str, Callable[[Medians], _Found]], ...] = (
    ("alone, singles, 128 connections, logs off", ">= 8,000/s and >= 35x (b)", _alone_quiet),
    ("alone, singles, 128 connections, as shipped", ">= 5,000/s", _alone_shipped),
    ("alone, one connection: added p50 / p99", "<= 0.75 ms / <= 2 ms", _alone_added),
    ("alone, batch of 1,000", "<= 12 ms", _alone_batch),
    ("singles at 128 against the best of (a0)", ">= 30x", _against((who.STOCK,), 30, BUSY_CONNECTIONS)),
    ("singles against the best of (e) and (f)", ">= 2.5x", _against((who.LITSERVE, who.BENTOML), 2.5, None)),
    ("one connection, p50, against (a)", "<= 1.20x or +1.5 ms", _over_serve(1, 1.2, 1.5)),
    ("batch of 1,000 against (a)", "<= 1.35x or +12 ms", _over_serve(BATCH_ROWS, 1.35, 12)),
    ("stream of 100,000 houses", ">= 15,000 rows/s or >= 80 % of (a); <= +50 MiB", _stream),
    ("p99 of singles at half of peak", "<= 3x p50", _half_of_peak),
    ("p99 of singles at 100/s beside batches of 10,000", "<= quiet + 100 ms", _beside_batches),
    ("the prediction log costs", _LOG_COSTS, _logged(who.OURS, who.UNLOGGED)),
    ("the same, alone", _LOG_COSTS, _logged(who.SHIPPED_ALONE, who.UNLOGGED_ALONE)),
    ("coalesced answers equal uncoalesced ones", "bit for bit", _coalesced),
)
