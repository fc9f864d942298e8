"""Second step: validates the data before training.

Invalid data ends the run, with a list of all findings. Differences from the last training set are reported, and end the
run only if they are larger than a drift that retraining should follow.
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
from housing_price_model.drift.columns import ColumnDrift, compare_numbers, compare_words
from housing_price_model.drift.compare import CALENDAR
from housing_price_model.drift.findings import MODERATE_PSI
from housing_price_model.errors import ArtefactError, DataError
from housing_price_model.reference.distribution import NumericDistribution
from housing_price_model.reference.profile import Profile, cells_of, read_profile
from housing_price_model.reference.tally import Tally
from housing_price_model.registry.names import NAME
from housing_price_model.registry.versions import connect, download_checked
from housing_price_model.survey.data import Houses, read_houses
from housing_price_model.survey.findings import MAX_LISTED
from housing_price_model.training.held_out_estimates import fingerprints
from housing_price_survey.columns import COLUMNS, TARGET

REPORT: Final = "validation.json"
_MAX_MOVED: Final = 10


@dataclass(frozen=True)
class Judgement:
    """The result of one check of the data."""

    check: str
    passed: bool
    says: str


def validate(task: Task) -> Result:
    """Check the data by itself, and compare missing values and distributions with the last training set.

    Raises:
        DataError: the data cannot be used; the message lists every finding.
    """
    limits = task.parameters.limits
    houses = checked_houses(task.inputs[EXTRACT.name] / HOUSES)
    judgements = [*_counts(houses, limits)]
    version = task.parameters.champion
    profile, without = _profile(version, task.connections.tracking_uri)
    moved: list[dict[str, Any]] = []
    if profile is None:
        judgements.append(Judgement("distribution", passed=True, says=without))
    else:
        compared = compare_with_profile(profile, houses)
        judgements += _beside(profile, houses, compared, limits)
        by_psi = sorted(compared, key=lambda one: -one.psi)
        moved = [{"column": one.name, "psi": round(one.psi, 4)} for one in by_psi if one.psi >= MODERATE_PSI]
    report = {"houses": len(houses), "checks": [asdict(one) for one in judgements], "moved": moved[:_MAX_MOVED]}
    if wrong := [f"{one.check}: {one.says}" for one in judgements if not one.passed]:
        raise DataError("\n".join([f"the data failed validation: {len(wrong)} finding(s)", *wrong]))
    (task.out / REPORT).write_text(json.dumps(report, indent=1), encoding="utf-8")
    return report


VALIDATE: Final = Step("validate", (EXTRACT.name,), validate)


def checked_houses(path: Path) -> Houses:
    """Read houses and check every cell against the survey's vocabulary and the allowed ranges.

    Raises:
        DataError: the message lists every finding with its line and column.
    """
    # `read_houses` reports invalid numbers and words by line; pandera then checks the typed table.
    houses = read_houses(path)
    frame = houses.features.assign(**{TARGET: houses.prices})
    try:
        schema().validate(DataFrame(frame), lazy=True)
    except pandera.errors.SchemaErrors as error:
        findings = [_finding(case) for case in error.failure_cases.to_dict("records")]
        listed = findings[:MAX_LISTED]
        if len(findings) > MAX_LISTED:
            listed.append(f"... and {len(findings) - MAX_LISTED:,} more")
        raise DataError(
            "\n".join([f"invalid data, nothing was used: {len(findings):,} finding(s)", *listed])
        ) from error
    return houses


def _finding(case: Mapping[Any, Any]) -> str:
    where = "" if case["index"] is None or pd.isna(case["index"]) else f"house {int(case['index']) + 1}, "
    said = str(case["check"])
    return f"{where}{case['column']}: {case['failure_case']!r} {said}"


def compare_with_profile(profile: Profile, houses: Houses) -> list[ColumnDrift]:
    """Compare each column, and the price, with the last training set."""
    tally = Tally()
    # The tally needs estimates, which do not exist yet and are not compared: pass the sale prices.
    prices = houses.prices.tolist()
    tally.add(COLUMNS, cells_of(houses.features), ((price, price, price) for price in prices))
    numbers, words = tally.numbers(), tally.categories()
    return [
        *(compare_numbers(name, numbers[name], reference) for name, reference in profile.numbers.items()),
        *(compare_words(name, words[name], reference) for name, reference in profile.categories.items()),
        compare_numbers(TARGET, NumericDistribution.of_sample(houses.prices), profile.sale_prices),
    ]


def _counts(houses: Houses, limits: Limits) -> Iterator[Judgement]:
    count = len(houses)
    yield Judgement("houses", count >= limits.least_houses, f"{count:,} houses (minimum {limits.least_houses:,})")
    named = list(zip(fingerprints(houses.features), houses.prices.tolist(), strict=True))
    first: dict[tuple[str, float], int] = {}
    twice = [
        (number, first[one]) for number, one in enumerate(named, start=1) if first.setdefault(one, number) != number
    ]
    shown = ", ".join(f"house {number} equals house {earlier}" for number, earlier in twice[:3])
    says = f"{len(twice):,} of {count:,} houses are duplicates (maximum {limits.max_duplicates:.1%})" + (
        f": {shown}" if shown else ""
    )
    yield Judgement("duplicates", len(twice) <= limits.max_duplicates * count, says)


def _profile(version: str | None, tracking_uri: str) -> tuple[Profile | None, str]:
    if version is None:
        return None, "not compared: there is no champion, and so no last training set"
    with download_checked(connect(tracking_uri), f"models:/{NAME}/{version}") as (_, folder):
        try:
            return read_profile(folder), ""
        except ArtefactError as error:
            return None, f"not compared: version {version} has no reference profile ({error})"


def _beside(profile: Profile, houses: Houses, compared: list[ColumnDrift], limits: Limits) -> Iterator[Judgement]:
    risen = [one for one in compared if one.missing - one.missing_reference > limits.max_missing_rise]
    says = ", ".join(f"{one.name} {one.missing:.0%} instead of {one.missing_reference:.0%}" for one in risen)
    yield Judgement(
        "missing values",
        not risen,
        f"columns with far more missing values than in the last training set: {says or 'none'}",
    )
    judged = [one for one in compared if one.name not in CALENDAR]
    far = sorted((one for one in judged if one.psi > limits.max_psi), key=lambda one: -one.psi)
    says = ", ".join(f"{one.name} (PSI {one.psi:.2f}, maximum {limits.max_psi:g})" for one in far[:_MAX_MOVED])
    yield Judgement("distribution", not far, f"columns far from the last training set: {says or 'none'}")
    before, now = float(profile.sale_prices.quantiles([0.5])[0]), float(np.median(houses.prices))
    ratio = now / before
    yield Judgement(
        "sale prices",
        1 / limits.max_median_ratio <= ratio <= limits.max_median_ratio,
        f"the median is {now:,.0f} USD, {ratio:.2f} times the last training set's ({before:,.0f} USD)",
    )
