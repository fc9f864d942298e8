"""The gate: every check says what was found, what would have been let through, and by how much it failed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import orjson
import pandas as pd

from housing_price_model.candidate.comparison import COMPARE, COMPARISON, EVALUATE, MEASURED
from housing_price_model.candidate.limits import Limits
from housing_price_model.candidate.run import Result, Step, Task
from housing_price_model.candidate.training import TRAIN
from housing_price_model.fitting.pack import load
from housing_price_model.reference.golden import read_golden
from housing_price_model.serving.fast_scoring import Rows
from housing_price_model.training.train import ARTIFACTS

GATE: Final = "gate.json"


@dataclass(frozen=True)
class Verdict:
    """One check of the gate.

    Attributes:
        check: What was looked at.
        passed: Whether it is within its limit.
        value: What was found.
        limit: What would have been let through at the most, or at the least. A group beyond it has passed all the same
            if chance explains that.
        says: The same in words, with how far off it is.
    """

    check: str
    passed: bool
    value: float
    limit: float
    says: str


def gate(task: Task) -> Result:
    """Judge the candidate; nothing is registered that did not pass every check."""
    measured = orjson.loads((task.inputs[EVALUATE.name] / MEASURED).read_bytes())
    comparison = orjson.loads((task.inputs[COMPARE.name] / COMPARISON).read_bytes())
    verdicts = [*judged(measured["overall"], comparison, task.parameters.limits), _golden(task)]
    result = {"passed": all(one.passed for one in verdicts), "checks": [asdict(one) for one in verdicts]}
    (task.out / GATE).write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))
    return result


GATE_STEP: Final = Step("gate", (TRAIN.name, EVALUATE.name, COMPARE.name), gate)


def judged(overall: Mapping[str, float], comparison: Mapping[str, Any], limits: Limits) -> Iterator[Verdict]:
    """Check the candidate by itself and, if there is a champion, beside it."""
    yield at_most("RMSLE", overall["rmsle"], limits.max_rmsle)
    yield at_least("coverage of the interval, at least", overall["coverage"], limits.least_coverage)
    yield at_most("coverage of the interval, at most", overall["coverage"], limits.most_coverage)
    if comparison["champion"] is None:
        return
    ours, theirs = comparison["overall"]["candidate"], comparison["overall"]["champion"]
    for what, measure, limit in (
        ("RMSLE beside the champion", "rmsle", limits.max_rmsle_ratio),
        ("MAE beside the champion", "mae_usd", limits.max_mae_ratio),
        ("median width of the interval beside the champion", "median_width_usd", limits.max_width_ratio),
    ):
        yield _beside(what, ours[measure], theirs[measure], limit, "USD" if measure.endswith("_usd") else "")
    for group in comparison["groups"]:
        if group["houses"] >= limits.least_group_houses:
            yield _group(group, limits)


def at_most(check: str, value: float, limit: float) -> Verdict:
    """Judge a value that should not be larger."""
    passed = value <= limit
    says = f"{value:.4f}, at most {limit:.4f}" + ("" if passed else f": {value - limit:.4f} too much")
    return Verdict(check, passed, value, limit, says)


def at_least(check: str, value: float, limit: float) -> Verdict:
    """Judge a value that should not be smaller."""
    passed = value >= limit
    says = f"{value:.4f}, at least {limit:.4f}" + ("" if passed else f": {limit - value:.4f} too little")
    return Verdict(check, passed, value, limit, says)


def _beside(check: str, ours: float, theirs: float, limit: float, unit: str = "") -> Verdict:
    allowed = theirs * limit
    passed = ours <= allowed
    beside = f"{_shown(ours, unit)}, {ours / theirs - 1:+.1%} on {_shown(theirs, unit)}"
    says = f"{beside}; at most {limit - 1:+.1%}, {_shown(allowed, unit)}"
    if not passed:
        says += f": {_shown(ours - allowed, unit)} too much"
    return Verdict(check, passed, ours, allowed, says)


def _group(group: Mapping[str, Any], limits: Limits) -> Verdict:
    """Judge a group: worse by more than is borne, and by more than chance explains."""
    what = f"RMSLE beside the champion, {group['kind']} {group['name']}"
    found = _beside(what, group["candidate"]["rmsle"], group["champion"]["rmsle"], limits.max_group_rmsle_ratio)
    by_chance = group["z"] < limits.least_group_z
    z = f"z {group['z']:.2f}, chance explains less than {limits.least_group_z:.2f}"
    return replace(found, passed=found.passed or by_chance, says=f"{found.says}; {z}")


def _shown(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if unit else f"{value:.4f}"


def _golden(task: Task) -> Verdict:
    """Load what was stored, as a server does, and ask for the golden answers: what is judged is what is registered."""
    folder = task.inputs[TRAIN.name]
    # The type of `load` speaks of tables; the model takes rows as well, and a server gives it rows.
    predict: Callable[[Any], pd.DataFrame] = load(
        {"graph": str(folder / ARTIFACTS / "graph.onnx"), "spec": str(folder / ARTIFACTS / "spec.json")}
    )
    golden = read_golden(folder)
    answers = predict(Rows(golden.columns, golden.rows)).to_dict("records")
    wrong = sum(answer != expected for answer, expected in zip(answers, golden.answers, strict=True))
    says = f"{len(answers) - wrong} of {len(answers)} come back to the last bit"
    return Verdict("golden answers", wrong == 0, float(wrong), 0.0, says)
