"""What is kept of the runs: the last of each scenario, and the table of all promises."""

import json
from collections.abc import Mapping
from typing import Any

from benchmarks.paths import RESULTS

_VERDICTS = {True: "yes", False: "**no**"}


def as_markdown(results: Mapping[str, Any]) -> str:
    """Write one line per promise, and what it was measured on."""
    lines = ["| fault | promise | must hold | measured | holds |", "|---|---|---|---|---|"]
    for scenario in results["scenarios"].values():
        fault = scenario["what"].replace("\n", " ").replace("    ", "")
        for promise in scenario["promises"]:
            cells = (fault, promise["what"], promise["to_hold"], promise["measured"], _VERDICTS[promise["is_held"]])
            lines.append("| " + " | ".join(cell.replace("|", "\\|").strip() for cell in cells) + " |")
            fault = ""
    facts = [scenario["machine"] for scenario in results["scenarios"].values()]
    machines = sorted({f"{one['processor']}, {one['cores']} cores" for one in facts})
    times = sorted(f"{one['measured_at']}" for one in facts)
    commits = sorted({one["commit"] for one in facts})
    held = [promise["is_held"] for scenario in results["scenarios"].values() for promise in scenario["promises"]]
    summary = f"{sum(held)} of {len(held)} promises hold."
    measured = f"Measured from {times[0]} to {times[-1]} at {', '.join(commits)}; faults.json has all figures."
    return "\n".join(
        [
            "# Faults",
            "",
            "Written by `make faults`; how to read it stands in [the README](../README.md#faults).",
            "",
            *lines,
            "",
            f"{summary} {'; '.join(machines)}, shared with the load and the model server. {measured}",
            "",
        ]
    )


def save(results: Mapping[str, Any]) -> None:
    """Put scenarios in the place of their last run in benchmarks/results/, and write the table of all anew."""
    path = RESULTS / "faults.json"
    before = json.loads(path.read_bytes())["scenarios"] if path.exists() else {}
    found = {"scenarios": before | results["scenarios"]}
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(as_markdown(found), encoding="utf-8")
