"""Profiles the orchestrator under load with py-spy and writes its samples as a table.

py-spy samples from outside the process, so the code runs unchanged. It samples the threads of all workers and counts
only those that use the CPU.
"""

import re
import subprocess
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks import load, model, reference_prices
from benchmarks.contenders import SHIPPED_OVER_STUB, all_contenders
from benchmarks.paths import RESULTS, STATE
from benchmarks.processes import find_uv
from benchmarks.running_contenders import start

PY_SPY: Final = "py-spy==0.4.3"
SAMPLES_PER_SECOND: Final = 400
LISTED_FUNCTIONS: Final = 25
_FRAME: Final = re.compile(r"(?P<function>.*) \((?P<file>.*?)(:\d+)?\)$")
_AREAS: Final = (
    ("housing_price_orchestrator/", "ours: "),
    ("site-packages/", ""),
    ("lib/python", "standard library: "),
)


def profile(seconds: int, connections: int, export: Path | None = None) -> None:
    """Profile the orchestrator over the stub under load and write results/profile.md.

    Raises:
        RuntimeError: py-spy has no permission to attach to the process, or recorded no samples.
    """
    export = export or model.exported()
    raw = STATE / "profile.txt"
    with ExitStack() as stack:
        known = all_contenders(export)
        running = start(
            [SHIPPED_OVER_STUB], known, stack, of_stub=reference_prices.of_stub(), of_model=reference_prices.of_stub()
        )
        contender = running[SHIPPED_OVER_STUB]
        load.warm_up(contender, connections=connections, seconds=1)
        command = [find_uv(), "tool", "run", "--from", PY_SPY, "py-spy", "record", "--format", "raw", "--nonblocking"]
        command += ["--rate", str(SAMPLES_PER_SECOND), "--duration", str(seconds), "--output", str(raw)]
        # The first process is the leash; the orchestrator is its child.
        command += ["--pid", str(contender.server.pids[1])]
        spy = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))  # noqa: S603
        figures = load.closed_loop(contender, connections=connections, seconds=seconds)
        output, _ = spy.communicate(timeout=seconds + 60)
        if spy.returncode or not raw.exists():
            raise RuntimeError(f"py-spy: {output.decode(errors='replace')}")
    own, cumulative = _count(raw.read_text())
    text = _table(
        own, cumulative, f"{figures['per_second']:,.0f} singles/s over {connections} connections, while profiled"
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "profile.md").write_text(text, encoding="utf-8")
    print(text)  # noqa: T201 - the result


def _count(collapsed: str) -> tuple[Counter[str], Counter[str]]:
    """Count the samples of each function: at the top of the stack, and anywhere on it."""
    own: Counter[str] = Counter()
    cumulative: Counter[str] = Counter()
    for line in collapsed.splitlines():
        stack, _, number = line.rpartition(" ")
        frames = [_function_name(frame) for frame in stack.split(";")]
        own[frames[-1]] += int(number)
        cumulative.update(dict.fromkeys(frames, int(number)))
    return own, cumulative


def _function_name(frame: str) -> str:
    match = _FRAME.match(frame)
    if match is None:
        return frame
    file = match["file"]
    for part, name in _AREAS:
        if part in file:
            return f"{name}{file.rpartition(part)[2]} {match['function']}"
    return f"{Path(file).name} {match['function']}"


def _table(own: Counter[str], cumulative: Counter[str], load_summary: str) -> str:
    total = own.total()
    if not total:
        raise RuntimeError("py-spy recorded no samples")
    lines = [
        f"{load_summary}; {total:,} samples.",
        "",
        "| function | own | with callees |",
        "| --- | ---: | ---: |",
    ]
    lines += [
        f"| `{name}` | {number / total:.1%} | {cumulative[name] / total:.1%} |"
        for name, number in own.most_common(LISTED_FUNCTIONS)
    ]
    return "\n".join(lines) + "\n"
