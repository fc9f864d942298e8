"""Compares what was logged with the profile of the model that made the prices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from housing_price_model.drift import judging
from housing_price_model.drift.columns import Bins, Compared, compared_numbers, compared_words, word_bins
from housing_price_model.drift.findings import LEAST_ROWS, Family, Finding, corrected
from housing_price_model.drift.realised import Realised
from housing_price_model.reference.distribution import Numbers, Words
from housing_price_model.reference.profile import Profile
from housing_price_model.reference.tally import GROUP, Tally

CALENDAR: Final = ("MoSold", "YrSold")
"""They differ in every window shorter than the training data, and say nothing of the houses."""


@dataclass(frozen=True)
class Comparison:
    """A window of the log beside the profile of its model.

    Attributes:
        model_id: The model.
        rows: How many rows were logged.
        houses: How many houses it was trained on.
        columns: Each column of the input.
        predictions: The price, and the width of the interval.
        groups: Each neighbourhood's share of the rows, in the log and at training.
        findings: All tests, alarms first; none where the rows are too few.
        known: How many sale prices are known.
    """

    model_id: str
    rows: int
    houses: int
    columns: Sequence[Compared]
    predictions: Sequence[Compared]
    groups: Bins
    findings: Sequence[Finding]
    known: int

    @property
    def alarms(self) -> Sequence[Finding]:
        """What should be looked at."""
        return [finding for finding in self.findings if finding.is_alarm]

    @property
    def verdict(self) -> str:
        """`alarm`, `steady` or `too few rows`."""
        if self.rows < LEAST_ROWS:
            return "too few rows"
        return "alarm" if self.alarms else "steady"


def compare(
    tally: Tally, profile: Profile, realised: Realised | None = None, silent: Iterable[str] = CALENDAR
) -> Comparison:
    """Compare logged rows with a profile.

    Args:
        tally: The rows.
        profile: Of the model that made their prices.
        realised: What became known of their sale prices.
        silent: Columns that are shown and raise no alarm.

    Raises:
        DataError: the log holds a value that its column cannot have.
    """
    numbers, words = tally.numbers(), tally.words()
    estimates = {"price": (tally.prices(), profile.prices), "interval width": (tally.widths(), profile.widths)}
    groups = (words[GROUP], profile.words[GROUP])
    both: dict[str, tuple[Numbers | Words, Numbers | Words]] = {
        **{name: (numbers[name], reference) for name, reference in profile.numbers.items()},
        **{name: (words[name], reference) for name, reference in profile.words.items()},
    }
    findings: list[Finding] = []
    if tally.rows >= LEAST_ROWS:
        for name, reference in profile.numbers.items():
            findings += judging.of_numbers(Family.INPUTS, name, numbers[name], reference)
        for name, known_words in profile.words.items():
            findings += judging.of_words(name, words[name], known_words)
        findings += judging.of_missing(both)
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
            *(compared_numbers(name, numbers[name], reference) for name, reference in profile.numbers.items()),
            *(compared_words(name, words[name], reference) for name, reference in profile.words.items()),
        ],
        predictions=[compared_numbers(name, *one) for name, one in estimates.items()],
        groups=word_bins(*groups),
        findings=corrected(replace(one, is_silent=one.subject in shown_only) for one in findings),
        known=realised.errors.present if realised else 0,
    )
