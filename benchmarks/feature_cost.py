"""What one feature costs: the orchestrator with it, beside the same without it twice over (A, A and B).

The two without it tell how much figures of the same thing differ on this machine; what is said of the feature is its
ratio to both of them together.
"""

import contextlib
import json
import socket
import statistics
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from benchmarks import contenders as who
from benchmarks import load, model, reference_prices
from benchmarks.contenders import Contender
from benchmarks.load import Figures
from benchmarks.running_contenders import RunningContender, start

RATE: Final = 100.0
"""Single houses a second, of the promise about a shadow."""

CONNECTIONS: Final = 32
WITHOUT: Final = ("without (A)", "without, again (A)")

P50_RATIO: Final = 1.05
P99_RATIO: Final = 1.2
"""How much longer requests may take beside a shadow that hangs."""

type Variables = Mapping[str, str]


@dataclass(frozen=True)
class Compared:
    """The medians of all rounds.

    Attributes:
        name: What was measured.
        medians: For each contender, its figures.
        ratios: For each figure, what it is with the feature for each one that it is without.
        spread: For each figure, how far the two without it are from each other, as the same kind of ratio.
        broken: Promises that do not hold.
    """

    name: str
    medians: Mapping[str, Mapping[str, float]]
    ratios: Mapping[str, float]
    spread: Mapping[str, float]
    broken: Sequence[str]

    def as_text(self) -> str:
        """Write a table."""
        lines = [f"{self.name:<22}" + "".join(f"{figure:>24}" for figure in self.ratios)]
        for contender, figures in self.medians.items():
            lines.append(f"{contender:<22}" + "".join(f"{figures[figure]:>24.4f}" for figure in self.ratios))
        for title, ratios in (("A / A", self.spread), ("B / A", self.ratios)):
            lines.append(f"{title:<22}" + "".join(f"{ratio:>24.3f}" for ratio in ratios.values()))
        return "\n".join([*lines, *self.broken])


def shadow(rounds: int, seconds: float, export: Path | None) -> Compared:
    """Times of single houses at 100/s beside a shadow that takes every call and never answers; the model is real."""
    export = export or model.exported()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="housing-price-routes-")))
        # Nobody accepts: the system does, and takes what is sent.
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        hanging = f"http://127.0.0.1:{listener.getsockname()[1]}"
        route = {"version": "2", "modelId": "unknown", "addresses": [hanging], "sample": 1.0}

        def routes(name: str, the_shadow: dict[str, object] | None) -> Callable[[int], Variables]:
            def variables(behind_port: int) -> Variables:
                champion = {
                    "version": "unknown",
                    "modelId": "unknown",
                    "addresses": [f"http://127.0.0.1:{behind_port}"],
                }
                file = folder / f"{name}.json"
                file.write_text(json.dumps({"revision": 1, "champion": champion, "shadow": the_shadow}))
                return {"ORCHESTRATOR_MODEL_SERVER__ROUTES_FILE": str(file)}

            return variables

        with_it = "a shadow that hangs (B)"
        variables = {name: routes(name, None) for name in WITHOUT} | {with_it: routes(with_it, route)}
        found = _measured(
            who.OURS, variables, rounds, export, lambda one: load.open_loop(one, rate=RATE, seconds=seconds)
        )
    compared = _compared("100/s, ms", found, with_it, ("p50_ms", "p99_ms"))
    limits = {"p50_ms": P50_RATIO, "p99_ms": P99_RATIO}
    broken = [
        f"NOT HELD: {name} is {compared.ratios[name]:.3f} times that without, promised {limit}"
        for name, limit in limits.items()
        if compared.ratios[name] > limit
    ]
    return replace(compared, broken=broken)


def tracing(rounds: int, seconds: float, export: Path | None) -> Compared:
    """Processor time of the orchestrator for single houses while it sends its traces to a collector; over the stub."""
    with _collector() as endpoint:
        with_it = "tracing (B)"
        off: Callable[[int], Variables] = lambda _: {}  # noqa: E731 - as short as what it stands beside
        on: Callable[[int], Variables] = lambda _: {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}  # noqa: E731 - the same
        found = _measured(
            who.SHIPPED_ALONE,
            dict.fromkeys(WITHOUT, off) | {with_it: on},
            rounds,
            export or model.exported(),
            lambda one: load.closed_loop(one, connections=CONNECTIONS, seconds=max(2, round(seconds))),
        )
    return _compared("32 connections", found, with_it, ("own_cpu_seconds_per_1000", "p50_ms"))


FEATURES: Final = {"shadow": shadow, "tracing": tracing}


def _measured(
    like: str,
    variables: Mapping[str, Callable[[int], Variables]],
    rounds: int,
    export: Path,
    measure: Callable[[RunningContender], Figures],
) -> dict[str, list[Figures]]:
    """Measure contenders that are as `like` but for some variables, in turns."""
    known = who.contenders(export)
    for name, more in variables.items():
        known[name] = _with(known[like], name, more)
    found: dict[str, list[Figures]] = {name: [] for name in variables}
    with ExitStack() as stack:
        running = start(
            list(variables),
            known,
            stack,
            of_stub=reference_prices.of_stub(),
            of_model=reference_prices.of_model(export),
        )
        for one in running.values():
            load.warm_up(one, connections=CONNECTIONS, seconds=2)
        names = list(variables)
        for number in range(rounds):
            # Each comes first, second and last as often as the others.
            first = number % len(names)
            for name in (*names[first:], *names[:first]):
                found[name].append(measure(running[name]))
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)  # noqa: T201 - progress
    return found


def _with(base: Contender, name: str, more: Callable[[int], Variables]) -> Contender:
    return replace(base, name=name, variables=lambda port, behind: {**base.variables(port, behind), **more(behind)})


def _compared(name: str, found: Mapping[str, Sequence[Figures]], with_it: str, figures: Sequence[str]) -> Compared:
    medians = {
        one: {figure: statistics.median(sample[figure] for sample in samples) for figure in figures}
        for one, samples in found.items()
    }
    first, second = (medians[one] for one in WITHOUT)
    ratios = {one: medians[with_it][one] / statistics.fmean((first[one], second[one])) for one in figures}
    return Compared(name, medians, ratios, {one: second[one] / first[one] for one in figures}, [])


@contextlib.contextmanager
def _collector() -> Iterator[str]:
    """Take traces and forget them; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
