"""Second step: judges the data before anything is trained on it.

What makes the data unusable ends the run, with every finding. What is only different from the last training set is
told, and ends it only far beyond what retraining is there for.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pandera.errors
from pandera.typing.pandas import DataFrame

from housing_price_model.candidate.extract import EXTRACT, HOUSES
from housing_price_model.candidate.limits import Limits
from housing_price_model.candidate.run import Result, Step, Task
from housing_price_model.candidate.schema import schema
from housing_price_model.drift.columns import Compared, compared_numbers, compared_words
from housing_price_model.drift.compare import CALENDAR
from housing_price_model.drift.findings import MODERATE_PSI
from housing_price_model.errors import ArtefactError, DataError
from housing_price_model.reference.distribution import Numbers
from housing_price_model.reference.profile import Profile, cells_of, read_profile
from housing_price_model.reference.tally import Tally
from housing_price_model.registry.names import NAME
from housing_price_model.registry.versions import checked, connect
from housing_price_model.survey.data import MAX_LISTED, Houses, read_houses
from housing_price_model.survey.vocabulary import COLUMNS, TARGET
from housing_price_model.training.held_out_estimates import fingerprints

REPORT: Final = "validation.json"
_SHOWN_MOVED: Final = 10


@dataclass(frozen=True)
class Judgement:
    """One thing that was looked at: whether it is as it should be, and what there is to say."""

    check: str
    passed: bool
    says: str


def validate(task: Task) -> Result:
    """Check schema, vocabularies, ranges, duplicates and, beside the last training set, blanks and distributions.

    Raises:
        DataError: the data cannot be used; lists every finding.
    """
    limits = task.parameters.limits
    houses = checked_houses(task.inputs[EXTRACT.name] / HOUSES)
    judgements = [*_counts(houses, limits)]
    version = task.parameters.champion
    profile, without = _profile(version, task.surroundings.tracking_uri)
    moved: list[dict[str, Any]] = []
    if profile is None:
        judgements.append(Judgement("distribution", passed=True, says=without))
    else:
        compared = compared_with(profile, houses)
        judgements += _beside(profile, houses, compared, limits)
        by_psi = sorted(compared, key=lambda one: -one.psi)
        moved = [{"column": one.name, "psi": round(one.psi, 4)} for one in by_psi if one.psi >= MODERATE_PSI]
    report = {"houses": len(houses), "checks": [asdict(one) for one in judgements], "moved": moved[:_SHOWN_MOVED]}
    if wrong := [f"{one.check}: {one.says}" for one in judgements if not one.passed]:
        raise DataError("\n".join([f"the data should not be trained on: {len(wrong)} finding(s)", *wrong]))
    (task.out / REPORT).write_text(json.dumps(report, indent=1), encoding="utf-8")
    return report


VALIDATE: Final = Step("validate", (EXTRACT.name,), validate)


def checked_houses(path: Path) -> Houses:
    """Read houses whose every cell is one of the survey's, and every number one that a house can have.

    Raises:
        DataError: lists every finding with its line and column.
    """
    # It names the line of every cell that is no number or no word of the survey; pandera sees a typed table.
    houses = read_houses(path)
    frame = houses.features.assign(**{TARGET: houses.prices})
    try:
        schema().validate(DataFrame(frame), lazy=True)
    except pandera.errors.SchemaErrors as exc:
        findings = [_finding(case) for case in exc.failure_cases.to_dict("records")]
        listed = findings[:MAX_LISTED]
        if len(findings) > MAX_LISTED:
            listed.append(f"... and {len(findings) - MAX_LISTED:,} more")
        raise DataError("\n".join([f"{len(findings):,} finding(s), nothing was used", *listed])) from exc
    return houses


def _finding(case: Mapping[Any, Any]) -> str:
    where = "" if case["index"] is None or pd.isna(case["index"]) else f"house {int(case['index']) + 1}, "
    said = str(case["check"])
    return f"{where}{case['column']}: {case['failure_case']!r} {said}"


def compared_with(profile: Profile, houses: Houses) -> list[Compared]:
    """Put each column, and the price, beside the same in the last training set."""
    tally = Tally()
    # The houses were not priced yet: what they sold for stands in for the estimates, which are not looked at.
    prices = houses.prices.tolist()
    tally.add(COLUMNS, cells_of(houses.features), ((price, price, price) for price in prices))
    numbers, words = tally.numbers(), tally.words()
    return [
        *(compared_numbers(name, numbers[name], reference) for name, reference in profile.numbers.items()),
        *(compared_words(name, words[name], reference) for name, reference in profile.words.items()),
        compared_numbers(TARGET, Numbers.of_sample(houses.prices), profile.sale_prices),
    ]


def _counts(houses: Houses, limits: Limits) -> Iterator[Judgement]:
    count = len(houses)
    yield Judgement(
        "houses", count >= limits.least_houses, f"{count:,} houses, at least {limits.least_houses:,} are needed"
    )
    named = list(zip(fingerprints(houses.features), houses.prices.tolist(), strict=True))
    first: dict[tuple[str, float], int] = {}
    twice = [
        (number, first[one]) for number, one in enumerate(named, start=1) if first.setdefault(one, number) != number
    ]
    shown = ", ".join(f"house {number} is house {earlier}" for number, earlier in twice[:3])
    says = f"{len(twice):,} of {count:,} houses stand there twice; at most {limits.max_duplicates:.1%} may" + (
        f" ({shown})" if shown else ""
    )
    yield Judgement("duplicates", len(twice) <= limits.max_duplicates * count, says)


def _profile(version: str | None, tracking_uri: str) -> tuple[Profile | None, str]:
    if version is None:
        return None, "there is no champion, so there is no last training set to compare with"
    with checked(connect(tracking_uri), f"models:/{NAME}/{version}") as (_, folder):
        try:
            return read_profile(folder), ""
        except ArtefactError as exc:
            return None, f"version {version} has no reference profile to compare with ({exc})"


def _beside(profile: Profile, houses: Houses, compared: list[Compared], limits: Limits) -> Iterator[Judgement]:
    risen = [one for one in compared if one.missing - one.missing_reference > limits.max_missing_rise]
    says = ", ".join(f"{one.name} {one.missing:.0%} instead of {one.missing_reference:.0%}" for one in risen)
    yield Judgement(
        "missing values", not risen, f"blank far more often than in the last training set: {says or 'nothing'}"
    )
    judged = [one for one in compared if one.name not in CALENDAR]
    far = sorted((one for one in judged if one.psi > limits.max_psi), key=lambda one: -one.psi)
    says = ", ".join(f"{one.name} (PSI {one.psi:.2f}, at most {limits.max_psi:g})" for one in far[:_SHOWN_MOVED])
    yield Judgement("distribution", not far, f"unlike the last training set: {says or 'nothing'}")
    before, now = float(profile.sale_prices.quantiles([0.5])[0]), float(np.median(houses.prices))
    ratio = now / before
    yield Judgement(
        "sale prices",
        1 / limits.max_median_ratio <= ratio <= limits.max_median_ratio,
        f"the median is {now:,.0f} USD, {ratio:.2f} times that of the last training set ({before:,.0f} USD)",
    )
