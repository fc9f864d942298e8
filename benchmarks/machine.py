"""Facts about the machine of a run; nothing that identifies it."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

from benchmarks.paths import PEERS, REPOSITORY

_PACKAGES: Final = (
    *("fastapi", "starlette", "uvicorn", "uvloop", "pydantic", "msgspec", "httpx", "aiohttp"),
    *("mlflow", "onnxruntime", "orjson", "pandas", "numpy"),
)


def facts() -> dict[str, Any]:
    """Return processor, memory, kernel, package versions, commit, and the load average before the run."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "cores": os.process_cpu_count(),
        "processor": _first_match(r"model name\s*: (.*)", "/proc/cpuinfo"),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "wrk": (re.findall(r"wrk (\S+)", _output("wrk", "-v")) or ["?"])[0],
        "load_average_before": round(os.getloadavg()[0], 2),
        "versions": {name: version(name) for name in _PACKAGES}
        | {name: _locked_version(name) for name in ("litserve", "bentoml")}
        | {"mlserver": _locked_version("mlserver", "housing-price-model/mlserver/uv.lock")},
    }


def _commit() -> str:
    commit = _output("git", "rev-parse", "--short=12", "HEAD").strip()
    changed = _output("git", "status", "--porcelain", "--untracked-files=no", "--", ":!benchmarks").strip()
    return f"{commit} with changes" if changed else commit


def _locked_version(name: str, lock: str = "") -> str:
    path = REPOSITORY / lock if lock else PEERS / name / "uv.lock"
    return _first_match(rf'name = "{name}"\nversion = "(.*)"', str(path))


def _first_match(pattern: str, path: str) -> str:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - also reads /proc
        match = re.search(pattern, file.read())
    return match[1] if match else "?"


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False).stdout  # noqa: S603
    except OSError:
        return "?"


def description() -> str:
    """Return the machine, the time and the commit of a measurement that ends now, for the line below a table."""
    machine = facts()
    return f"{machine['processor']}, {machine['cores']} cores, {machine['measured_at']}, commit {machine['commit']}"
