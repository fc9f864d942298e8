"""Measures the cost of one feature with an A/A/B comparison.

Two identical orchestrators run without the feature (A, A) and one with it (B). The ratio A / A shows the noise of the
machine. The cost of the feature is the ratio of B to the mean of both A.
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

from benchmarks import contenders, load, model, reference_prices
from benchmarks.contenders import Contender
from benchmarks.load import Figures
from benchmarks.running_contenders import RunningContender, start

RATE: Final = 100.0
"""Single houses per second while the cost of a shadow is measured."""

CONNECTIONS: Final = 32
WITHOUT: Final = ("without (A)", "without, again (A)")

MAX_P50_RATIO: Final = 1.05
MAX_P99_RATIO: Final = 1.2
"""Maximum ratio of the latency with a hanging shadow to the latency without it."""

type Variables = Mapping[str, str]


@dataclass(frozen=True)
class Comparison:
    """Medians over all rounds, and their ratios."""

    name: str
    """The kind of load and the unit of the figures."""
    medians: Mapping[str, Mapping[str, float]]
    """The figures of each contender."""
    ratios: Mapping[str, float]
    """For each figure, B / A."""
    noise: Mapping[str, float]
    """For each figure, A / A."""
    broken_promises: Sequence[str]
    """Promises that do not hold."""

    def as_text(self) -> str:
        """Format the comparison as a table."""
        lines = [f"{self.name:<22}" + "".join(f"{figure:>24}" for figure in self.ratios)]
        for contender, figures in self.medians.items():
            lines.append(f"{contender:<22}" + "".join(f"{figures[figure]:>24.4f}" for figure in self.ratios))
        for title, ratios in (("A / A", self.noise), ("B / A", self.ratios)):
            lines.append(f"{title:<22}" + "".join(f"{ratio:>24.3f}" for ratio in ratios.values()))
        return "\n".join([*lines, *self.broken_promises])


def shadow(rounds: int, seconds: float, export: Path | None) -> Comparison:
    """Compare latencies at 100/s with a shadow that accepts every call and never answers, over the real model."""
    export = export or model.exported()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="housing-price-routes-")))
        # Nothing calls accept(): the kernel completes the connections and buffers the requests.
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        hanging = f"http://127.0.0.1:{listener.getsockname()[1]}"
        hanging_route = {"version": "2", "modelId": "unknown", "addresses": [hanging], "sample": 1.0}

        def routes(name: str, shadow_route: dict[str, object] | None) -> Callable[[int], Variables]:
            def variables(behind_port: int) -> Variables:
                champion = {
                    "version": "unknown",
                    "modelId": "unknown",
                    "addresses": [f"http://127.0.0.1:{behind_port}"],
                }
                file = folder / f"{name}.json"
                file.write_text(json.dumps({"revision": 1, "champion": champion, "shadow": shadow_route}))
                return {"ORCHESTRATOR_MODEL_SERVER__ROUTES_FILE": str(file)}

            return variables

        with_feature = "a shadow that hangs (B)"
        variables = {name: routes(name, None) for name in WITHOUT} | {with_feature: routes(with_feature, hanging_route)}
        samples = _measure_variants(
            contenders.OURS,
            variables,
            rounds,
            export,
            lambda contender: load.open_loop(contender, rate=RATE, seconds=seconds),
        )
    comparison = _compare("100/s, ms", samples, with_feature, ("p50_ms", "p99_ms"))
    limits = {"p50_ms": MAX_P50_RATIO, "p99_ms": MAX_P99_RATIO}
    broken_promises = [
        f"NOT HELD: {name} with the shadow is {comparison.ratios[name]:.3f} times the value without it (limit {limit})"
        for name, limit in limits.items()
        if comparison.ratios[name] > limit
    ]
    return replace(comparison, broken_promises=broken_promises)


def tracing(rounds: int, seconds: float, export: Path | None) -> Comparison:
    """Compare the orchestrator's CPU time per request with traces sent to a collector, over the stub."""
    with _trace_collector() as endpoint:
        with_feature = "tracing (B)"
        off: Callable[[int], Variables] = lambda _: {}  # noqa: E731 - shorter than two functions
        on: Callable[[int], Variables] = lambda _: {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}  # noqa: E731 - the same
        samples = _measure_variants(
            contenders.SHIPPED_OVER_STUB,
            dict.fromkeys(WITHOUT, off) | {with_feature: on},
            rounds,
            export or model.exported(),
            lambda contender: load.closed_loop(contender, connections=CONNECTIONS, seconds=max(2, round(seconds))),
        )
    return _compare("32 connections", samples, with_feature, ("own_cpu_seconds_per_1000", "p50_ms"))


FEATURES: Final = {"shadow": shadow, "tracing": tracing}


def _measure_variants(
    base_name: str,
    variables: Mapping[str, Callable[[int], Variables]],
    rounds: int,
    export: Path,
    measure: Callable[[RunningContender], Figures],
) -> dict[str, list[Figures]]:
    """Measure variants of the contender `base_name` in turns; each variant adds environment variables."""
    all_contenders = contenders.all_contenders(export)
    for name, make_variables in variables.items():
        all_contenders[name] = _variant(all_contenders[base_name], name, make_variables)
    samples: dict[str, list[Figures]] = {name: [] for name in variables}
    with ExitStack() as stack:
        running = start(
            list(variables),
            all_contenders,
            stack,
            of_stub=reference_prices.of_stub(),
            of_model=reference_prices.of_model(export),
        )
        for contender in running.values():
            load.warm_up(contender, connections=CONNECTIONS, seconds=2)
        names = list(variables)
        for number in range(rounds):
            # Each variant is measured first, second and last equally often.
            first = number % len(names)
            for name in (*names[first:], *names[:first]):
                samples[name].append(measure(running[name]))
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)  # noqa: T201 - progress
    return samples


def _variant(base: Contender, name: str, make_variables: Callable[[int], Variables]) -> Contender:
    """Copy a contender under another name, with further environment variables."""
    return replace(
        base,
        name=name,
        variables=lambda port, behind_port: {**base.variables(port, behind_port), **make_variables(behind_port)},
    )


def _compare(
    name: str, samples: Mapping[str, Sequence[Figures]], with_feature: str, figures: Sequence[str]
) -> Comparison:
    medians = {
        variant: {figure: statistics.median(sample[figure] for sample in of_variant) for figure in figures}
        for variant, of_variant in samples.items()
    }
    first, second = (medians[variant] for variant in WITHOUT)
    ratios = {
        figure: medians[with_feature][figure] / statistics.fmean((first[figure], second[figure])) for figure in figures
    }
    noise = {figure: second[figure] / first[figure] for figure in figures}
    return Comparison(name, medians, ratios, noise, [])


@contextlib.contextmanager
def _trace_collector() -> Iterator[str]:
    """Run a trace collector that discards everything; yields its address."""

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
