"""Compares logged rows with the reference profile of the model that priced them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from housing_price_model.drift import judging
from housing_price_model.drift.columns import Bins, ColumnDrift, compare_numbers, compare_words, word_bins
from housing_price_model.drift.findings import MIN_ROWS, Family, Finding, corrected
from housing_price_model.drift.realised import RealisedErrors
from housing_price_model.reference.distribution import CategoricalDistribution, NumericDistribution
from housing_price_model.reference.profile import Profile
from housing_price_model.reference.tally import GROUP, Tally

CALENDAR: Final = ("MoSold", "YrSold")
"""Columns of the sale date: they differ in every window shorter than the training period, without any drift."""


@dataclass(frozen=True)
class Comparison:
    """A window of the log compared with the profile of a model."""

    model_id: str
    """Identity of the model."""
    rows: int
    """Number of logged rows."""
    houses: int
    """Number of houses in the training data."""
    columns: Sequence[ColumnDrift]
    """Statistics of each input column."""
    predictions: Sequence[ColumnDrift]
    """Statistics of the price and the interval width."""
    groups: Bins
    """Share of each neighbourhood in the log and at training."""
    findings: Sequence[Finding]
    """Results of all tests, alarms first; empty with too few rows."""
    known: int
    """Number of known sale prices."""

    @property
    def alarms(self) -> Sequence[Finding]:
        """The findings that raise the alarm."""
        return [finding for finding in self.findings if finding.is_alarm]

    @property
    def verdict(self) -> str:
        """The verdict: `alarm`, `steady` or `too few rows`."""
        if self.rows < MIN_ROWS:
            return "too few rows"
        return "alarm" if self.alarms else "steady"


def compare(
    tally: Tally, profile: Profile, realised: RealisedErrors | None = None, silent: Iterable[str] = CALENDAR
) -> Comparison:
    """Compare logged rows with a profile.

    Args:
        tally: The logged rows.
        profile: Profile of the model that priced them.
        realised: Errors against known sale prices.
        silent: Columns that are shown but never raise the alarm.

    Raises:
        DataError: the log contains a value that is invalid for its column.
    """
    numbers, words = tally.numbers(), tally.categories()
    estimates = {"price": (tally.prices(), profile.prices), "interval width": (tally.widths(), profile.widths)}
    groups = (words[GROUP], profile.categories[GROUP])
    pairs: dict[
        str, tuple[NumericDistribution | CategoricalDistribution, NumericDistribution | CategoricalDistribution]
    ] = {
        **{name: (numbers[name], reference) for name, reference in profile.numbers.items()},
        **{name: (words[name], reference) for name, reference in profile.categories.items()},
    }
    findings: list[Finding] = []
    if tally.rows >= MIN_ROWS:
        for name, reference in profile.numbers.items():
            findings += judging.of_numbers(Family.INPUTS, name, numbers[name], reference)
        for name, known_words in profile.categories.items():
            findings += judging.of_words(name, words[name], known_words)
        findings += judging.of_missing(pairs)
        findings += judging.of_groups(*groups)
        for name, (logged, at_training) in estimates.items():
            findings += judging.of_numbers(Family.PREDICTIONS, name, logged, at_training)
        findings += judging.of_group_prices(tally.group_prices(), profile.group_prices)
        if realised is not None:
            findings += judging.of_errors(realised, profile)
    shown_only = frozenset(silent)
    return Comparison(
        model_id=profile.model_id,
        rows=tally.rows,
        houses=profile.houses,
        columns=[
            *(compare_numbers(name, numbers[name], reference) for name, reference in profile.numbers.items()),
            *(compare_words(name, words[name], reference) for name, reference in profile.categories.items()),
        ],
        predictions=[compare_numbers(name, *one) for name, one in estimates.items()],
        groups=word_bins(*groups),
        findings=corrected(replace(one, is_silent=one.subject in shown_only) for one in findings),
        known=realised.errors.present if realised else 0,
    )
