"""Where the orchestrator's time goes: py-spy watches it under load, and its samples become a table.

py-spy looks from outside, a few hundred times a second, so the code runs as it is. It watches all workers' threads and
counts only those that use the processor.
"""

import re
import subprocess
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from benchmarks import load, model, reference_prices
from benchmarks.contenders import SHIPPED_ALONE, contenders
from benchmarks.paths import RESULTS, STATE
from benchmarks.processes import find_uv
from benchmarks.running_contenders import start

PY_SPY = "py-spy==0.4.3"
SAMPLES_PER_SECOND = 400
LISTED = 25
_FRAME = re.compile(r"(?P<function>.*) \((?P<file>.*?)(:\d+)?\)$")
_AREAS = (
    ("housing_price_orchestrator/", "ours: "),
    ("site-packages/", ""),
    ("lib/python", "standard library: "),
)


def profile(seconds: int, connections: int, export: Path | None = None) -> None:
    """Put load on the orchestrator over the stub, watch it, and write results/profile.md.

    Raises:
        RuntimeError: py-spy may not look at the process, or found nothing.
    """
    export = export or model.exported()
    raw = STATE / "profile.txt"
    with ExitStack() as stack:
        known = contenders(export)
        running = start(
            [SHIPPED_ALONE], known, stack, of_stub=reference_prices.of_stub(), of_model=reference_prices.of_stub()
        )
        one = running[SHIPPED_ALONE]
        load.warm_up(one, connections=connections, seconds=1)
        command = [find_uv(), "tool", "run", "--from", PY_SPY, "py-spy", "record", "--format", "raw", "--nonblocking"]
        command += ["--rate", str(SAMPLES_PER_SECOND), "--duration", str(seconds), "--output", str(raw)]
        # The leash comes first and does nothing; the service is its child.
        command += ["--pid", str(one.server.pids[1])]
        spy = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))  # noqa: S603
        figures = load.closed_loop(one, connections=connections, seconds=seconds)
        output, _ = spy.communicate(timeout=seconds + 60)
        if spy.returncode or not raw.exists():
            raise RuntimeError(f"py-spy: {output.decode(errors='replace')}")
    itself, below = _count(raw.read_text())
    text = _table(
        itself, below, f"{figures['per_second']:,.0f} singles/s over {connections} connections, while watched"
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "profile.md").write_text(text, encoding="utf-8")
    print(text)  # noqa: T201 - the result


def _count(collapsed: str) -> tuple[Counter[str], Counter[str]]:
    """Count samples in which a function was running itself, and in which it was anywhere on the stack."""
    itself: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for line in collapsed.splitlines():
        stack, _, number = line.rpartition(" ")
        frames = [_named(frame) for frame in stack.split(";")]
        itself[frames[-1]] += int(number)
        below.update(dict.fromkeys(frames, int(number)))
    return itself, below


def _named(frame: str) -> str:
    found = _FRAME.match(frame)
    if found is None:
        return frame
    file = found["file"]
    for part, name in _AREAS:
        if part in file:
            return f"{name}{file.rpartition(part)[2]} {found['function']}"
    return f"{Path(file).name} {found['function']}"


def _table(itself: Counter[str], below: Counter[str], load_made: str) -> str:
    total = itself.total()
    if not total:
        raise RuntimeError("py-spy saw nothing")
    lines = [
        f"{load_made}; {total:,} samples.",
        "",
        "| function | itself | with what it calls |",
        "| --- | ---: | ---: |",
    ]
    lines += [
        f"| `{name}` | {number / total:.1%} | {below[name] / total:.1%} |"
        for name, number in itself.most_common(LISTED)
    ]
    return "\n".join(lines) + "\n"
