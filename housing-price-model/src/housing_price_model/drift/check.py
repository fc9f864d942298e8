"""One drift check: a window of the prediction log against the profiles of the models that made its predictions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from housing_price_model.drift.compare import CALENDAR, Comparison, compare
from housing_price_model.drift.profiles import Profiles
from housing_price_model.drift.realised import RealisedErrors
from housing_price_model.errors import ArtefactError, RegistryError
from housing_price_model.prediction_log.reader import PredictionLog
from housing_price_model.prediction_log.rows import Model, Window
from housing_price_model.reference.profile import Profile
from housing_price_model.reference.tally import Tally

_MAX_SALES: Final = 1_000
"""Number of latest known sales for the realised error: few houses of a short window are sold yet."""


@dataclass(frozen=True)
class Judged:
    """A model and its comparison."""

    model: Model
    comparison: Comparison


@dataclass(frozen=True)
class Check:
    """The result of a check."""

    checked_at: datetime
    """Time of the check, in UTC."""
    window: Window
    """The checked part of the log."""
    judged: Sequence[Judged]
    """One comparison for each model with predictions in the window, most rows first."""
    unjudged: Sequence[tuple[Model, str]]
    """Models without a usable profile, with the reason."""

    @property
    def is_alarm(self) -> bool:
        """Whether any model raises the drift alarm."""
        return any(one.comparison.verdict == "alarm" for one in self.judged)


def check(
    log: PredictionLog,
    window: Window,
    profiles: Profiles,
    checked_at: datetime,
    *,
    model_id: str | None = None,
    silent: Iterable[str] = CALENDAR,
) -> Check:
    """Check a window of the log.

    Args:
        log: The prediction log.
        window: The part of the log to check.
        profiles: Source of the reference profiles.
        checked_at: The current time, in UTC.
        model_id: Check only this model's predictions.
        silent: Columns that are shown but never raise the alarm.

    Raises:
        LogError, DataError: the log cannot be read or contains invalid rows.
    """
    judged: list[Judged] = []
    unjudged: list[tuple[Model, str]] = []
    for model in log.models(window, model_id):
        try:
            profile = profiles.of(model)
        except (ArtefactError, RegistryError) as error:
            unjudged.append((model, str(error)))
            continue
        judged.append(Judged(model, _compared(log, window, model, profile, silent)))
    return Check(checked_at, window, judged, unjudged)


def _compared(log: PredictionLog, window: Window, model: Model, profile: Profile, silent: Iterable[str]) -> Comparison:
    tally = Tally()
    for page in log.pages(window, model.model_id):
        tally.add(page.columns, page.rows, page.estimates)
    sales = log.latest_sales(model.model_id, _MAX_SALES)
    realised = RealisedErrors.of((sale.sold, sale.price, sale.low, sale.high) for sale in sales)
    return compare(tally, profile, realised, silent)
