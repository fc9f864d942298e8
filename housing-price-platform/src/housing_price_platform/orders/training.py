"""The order to train a model."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from housing_price_platform.orders.document import INTEGRAL, Document
from housing_price_platform.orders.seed import MAX_SEED

MAX_YEAR: Final = 9_998
"""Latest year of a day: the day after it is a valid date, too."""

type TrainingSource = Literal["bundled", "csv", "prediction-log"]
"""The source of the training data."""


def _check_day(value: str) -> str:
    try:
        day = date.fromisoformat(value)
    except ValueError as error:
        raise ValueError("not a valid date; use the format 2026-06-30") from error
    if day.year > MAX_YEAR:
        raise ValueError(f"not a usable date: the latest year is {MAX_YEAR}")
    return value


type Day = Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_check_day)]


class TrainingOrder(Document):
    """A request to train a model."""

    source: TrainingSource = "bundled"
    """The training data: `bundled` (the survey), `csv` (a file) or `prediction-log` (priced houses sold since)."""
    data: Annotated[str | None, Field(min_length=1, max_length=2_000, pattern="^[^\\x00-\\x1f\\x7f]*$")] = None
    """The path of the file on the training worker. Required with `csv`, and allowed only with it."""
    from_: Annotated[Day | None, Field(alias="from", examples=["2026-01-01"])] = None
    """The first day of the data in UTC, with `prediction-log`."""
    to: Annotated[Day | None, Field(examples=["2026-06-30"])] = None
    """The last day of the data in UTC, with `prediction-log`. This day is included."""
    seed: Annotated[int, Field(ge=0, le=MAX_SEED), INTEGRAL] = 0
    """The random seed of the data split and the model."""
    search: bool = False
    """Whether to search for better hyperparameters first, which takes longer."""

    @model_validator(mode="after")
    def _check_source_options(self) -> Self:
        if (self.data is not None) != (self.source == "csv"):
            raise ValueError("`data` is required with the source `csv` and allowed only with it")
        if self.source != "prediction-log" and (self.from_ is not None or self.to is not None):
            raise ValueError("`from` and `to` are allowed only with the source `prediction-log`")
        if self.from_ is not None and self.to is not None and self.from_ > self.to:
            raise ValueError("`from` must not be later than `to`")
        return self

    @property
    def start(self) -> datetime | None:
        """The start of the first day: the inclusive lower bound of the times, in UTC without a zone."""
        return None if self.from_ is None else _midnight(date.fromisoformat(self.from_))

    @property
    def end(self) -> datetime | None:
        """The end of the last day: the exclusive upper bound of the times, in UTC without a zone."""
        return None if self.to is None else _midnight(date.fromisoformat(self.to) + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC).replace(tzinfo=None)
