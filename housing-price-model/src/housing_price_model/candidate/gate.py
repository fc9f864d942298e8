"""The promotion gate: each check reports its value, its limit, and by how much it failed."""

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
    """One check of the gate."""

    check: str
    """Name of the check."""
    passed: bool
    """Whether the check passed."""
    value: float
    """The measured value."""
    limit: float
    """The maximum, or minimum, allowed value. A group beyond it passes if the difference is within chance."""
    says: str
    """The result in words."""


def gate(task: Task) -> Result:
    """Check the candidate; only a candidate that passes every check is registered."""
    measured = orjson.loads((task.inputs[EVALUATE.name] / MEASURED).read_bytes())
    comparison = orjson.loads((task.inputs[COMPARE.name] / COMPARISON).read_bytes())
    limits = task.parameters.limits
    verdicts = [
        *check_candidate(measured["overall"], comparison, limits),
        *check_ratio_study(measured["ratio_studies"][0], limits),
        _golden(task),
    ]
    result = {"passed": all(one.passed for one in verdicts), "checks": [asdict(one) for one in verdicts]}
    (task.out / GATE).write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))
    return result


GATE_STEP: Final = Step("gate", (TRAIN.name, EVALUATE.name, COMPARE.name), gate)


def check_candidate(overall: Mapping[str, float], comparison: Mapping[str, Any], limits: Limits) -> Iterator[Verdict]:
    """Check the candidate's own metrics and, if there is a champion, compare the two."""
    yield at_most("RMSLE", overall["rmsle"], limits.max_rmsle)
    yield at_least("interval coverage, minimum", overall["coverage"], limits.least_coverage)
    yield at_most("interval coverage, maximum", overall["coverage"], limits.most_coverage)
    if comparison["champion"] is None:
        return
    ours, theirs = comparison["overall"]["candidate"], comparison["overall"]["champion"]
    for what, measure, limit in (
        ("RMSLE against the champion", "rmsle", limits.max_rmsle_ratio),
        ("MAE against the champion", "mae_usd", limits.max_mae_ratio),
        ("median interval width against the champion", "median_width_usd", limits.max_width_ratio),
    ):
        yield _against_champion(what, ours[measure], theirs[measure], limit, "USD" if measure.endswith("_usd") else "")
    for group in comparison["groups"]:
        if group["houses"] >= limits.least_group_houses:
            yield _group(group, limits)


def check_ratio_study(study: Mapping[str, Any], limits: Limits) -> Iterator[Verdict]:
    """Check the candidate's ratio study of all sales."""
    for check, measure, least, most in (
        ("median ratio", "median_ratio", limits.least_median_ratio, limits.most_median_ratio),
        ("coefficient of dispersion (COD), %", "cod", 0.0, limits.max_cod),
        ("price-related differential (PRD)", "prd", limits.least_prd, limits.most_prd),
        ("price-related bias (PRB)", "prb", -limits.max_prb, limits.max_prb),
    ):
        if study[measure] is not None:
            yield _within(check, study[measure], least, most)


def _within(check: str, measure: Mapping[str, float | None], least: float, most: float) -> Verdict:
    """Check a measure against a range: it fails if its confidence interval is beyond it.

    Without an interval, because there are too few sales, the value itself is checked.
    """
    value, low, high = measure["value"], measure["low"], measure["high"]
    assert value is not None  # noqa: S101 - only the bounds of a measure may be missing
    lowest, highest = (value, value) if low is None or high is None else (low, high)
    passed = lowest <= most and highest >= least
    range_ = f"{least:.4g} to {most:.4g}"
    says = f"{value:.4f}, 95 % interval {lowest:.4f} to {highest:.4f} (allowed: {range_})"
    says += "" if passed else ": too high" if lowest > most else ": too low"
    return Verdict(check, passed, value, least if value < least else most, says)


def at_most(check: str, value: float, limit: float) -> Verdict:
    """Check a value against a maximum."""
    passed = value <= limit
    says = f"{value:.4f} (maximum {limit:.4f})" + ("" if passed else f": too high by {value - limit:.4f}")
    return Verdict(check, passed, value, limit, says)


def at_least(check: str, value: float, limit: float) -> Verdict:
    """Check a value against a minimum."""
    passed = value >= limit
    says = f"{value:.4f} (minimum {limit:.4f})" + ("" if passed else f": too low by {limit - value:.4f}")
    return Verdict(check, passed, value, limit, says)


def _against_champion(check: str, ours: float, theirs: float, limit: float, unit: str = "") -> Verdict:
    allowed = theirs * limit
    passed = ours <= allowed
    difference, allowed_difference = (ours / theirs - 1) * 100, (limit - 1) * 100
    says = (
        f"{_shown(ours, unit)} against {_shown(theirs, unit)}: "
        f"{difference:+.1f} % (limit {allowed_difference:+.3g} %, {_shown(allowed, unit)})"
    )
    return Verdict(check, passed, ours, allowed, says)


def _group(group: Mapping[str, Any], limits: Limits) -> Verdict:
    """Check a group: it fails if its error exceeds the limit and the difference exceeds chance."""
    check = f"RMSLE against the champion, {group['kind']} {group['name']}"
    found = _against_champion(
        check, group["candidate"]["rmsle"], group["champion"]["rmsle"], limits.max_group_rmsle_ratio
    )
    is_within_chance = group["z"] < limits.least_group_z
    z = f"z {group['z']:.2f} {'<' if is_within_chance else '>='} {limits.least_group_z:.2f}"
    if found.passed:
        says = f"{found.says} (z {group['z']:.2f})"
    elif is_within_chance:
        says = f"{found.says}, but within chance ({z})"
    else:
        says = f"{found.says}, and beyond chance ({z})"
    return replace(found, passed=found.passed or is_within_chance, says=says)


def _shown(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if unit else f"{value:.4f}"


def _golden(task: Task) -> Verdict:
    """Load the stored model as a server does and check its golden answers, so that the registered files are tested."""
    folder = task.inputs[TRAIN.name]
    # `load` is typed for data frames; the model also accepts rows, which is what a server passes.
    predict: Callable[[Any], pd.DataFrame] = load(
        {"graph": str(folder / ARTIFACTS / "graph.onnx"), "spec": str(folder / ARTIFACTS / "spec.json")}
    )
    golden = read_golden(folder)
    answers = predict(Rows(golden.columns, golden.rows)).to_dict("records")
    wrong = sum(answer != expected for answer, expected in zip(answers, golden.answers, strict=True))
    says = f"{len(answers) - wrong} of {len(answers)} reproduced bit for bit"
    return Verdict("golden answers", wrong == 0, float(wrong), 0.0, says)
