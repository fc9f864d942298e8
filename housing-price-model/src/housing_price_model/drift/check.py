"""One check: a window of the log against the profiles of the models that made its prices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from housing_price_model.drift.compare import CALENDAR, Comparison, compare
from housing_price_model.drift.profiles import Profiles
from housing_price_model.drift.realised import Realised
from housing_price_model.errors import ArtefactError, RegistryError
from housing_price_model.prediction_log.reader import Model, PredictionLog, Window
from housing_price_model.reference.profile import Profile
from housing_price_model.reference.tally import Tally

_LATEST_SALES: Final = 1_000
"""The realised error is that of so many latest known sales: of a short window hardly any house is sold yet."""


@dataclass(frozen=True)
class Judged:
    """A model's comparison."""

    model: Model
    comparison: Comparison


@dataclass(frozen=True)
class Check:
    """What a check found.

    Attributes:
        checked_at: When it was made, in UTC.
        window: Which part of the log it looked at.
        judged: One comparison for each model that made prices in it, most rows first.
        unjudged: Models without a usable profile, with the reason.
    """

    checked_at: datetime
    window: Window
    judged: Sequence[Judged]
    unjudged: Sequence[tuple[Model, str]]

    @property
    def is_alarm(self) -> bool:
        """Whether any of the models should be looked at."""
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
        log: What was priced.
        window: Which part of it.
        profiles: Where the profiles are.
        checked_at: Now, in UTC.
        model_id: Only this model's prices.
        silent: Columns that are shown and raise no alarm.

    Raises:
        LogError, DataError: the log cannot be read, or holds what it should not.
        RegistryError: the registry does not answer.
    """
    judged: list[Judged] = []
    unjudged: list[tuple[Model, str]] = []
    for model in log.models(window, model_id):
        try:
            profile = profiles.of(model)
        except (ArtefactError, RegistryError) as exc:
            unjudged.append((model, str(exc)))
            continue
        judged.append(Judged(model, _compared(log, window, model, profile, silent)))
    return Check(checked_at, window, judged, unjudged)


def _compared(log: PredictionLog, window: Window, model: Model, profile: Profile, silent: Iterable[str]) -> Comparison:
    tally = Tally()
    for page in log.pages(window, model.model_id):
        tally.add(page.columns, page.rows, page.estimates)
    sales = log.latest_sales(model.model_id, _LATEST_SALES)
    realised = Realised.of((sale.sold, sale.price, sale.low, sale.high) for sale in sales)
    return compare(tally, profile, realised, silent)
