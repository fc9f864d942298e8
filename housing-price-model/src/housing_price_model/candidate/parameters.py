"""Parameters of a run: fixed when it starts, stored in its folder, and logged with its model."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from housing_price_model.candidate.limits import Limits
from housing_price_model.errors import CandidateError
from housing_price_model.fitting.pipeline import Recipe
from housing_price_platform.orders.findings import describe_findings
from housing_price_platform.orders.seed import MAX_SEED
from housing_price_platform.orders.training import TrainingOrder


class Source(StrEnum):
    """Source of the training data."""

    BUNDLED = "bundled"
    CSV = "csv"
    PREDICTION_LOG = "prediction-log"


@dataclass(frozen=True)
class Connections:
    """Addresses of other services. They do not affect the result and may contain passwords, so they are not stored."""

    tracking_uri: str
    """The MLflow tracking server."""
    log_url: str | None = None
    """The prediction log; None without one."""


@dataclass(frozen=True)
class Parameters:
    """Everything that determines the result of a run."""

    source: Source = Source.BUNDLED
    """Source of the training data."""
    data: str | None = None
    """For `csv`, the file; for `prediction-log`, the base to which sales are added (default: bundled survey)."""
    start: str | None = None
    """Start of the time range of the prediction log, inclusive; UTC without a zone (ISO 8601)."""
    end: str | None = None
    """End of the time range, exclusive; fixed when the run starts."""
    seed: int = 0
    """Random seed of the folds and the trees."""
    search: bool = False
    """Whether to search for a better recipe first."""
    recipe: Recipe = field(default_factory=Recipe)
    """The recipe to train or, with `search`, to start the search from."""
    limits: Limits = field(default_factory=Limits)
    """Limits for the data and the gate."""
    champion: str | None = None
    """The version to compare with; None if there was no champion when the run started."""

    def __post_init__(self) -> None:
        """Reject invalid combinations.

        Raises:
            CandidateError: the message names the parameter.
        """
        if self.source is Source.CSV and not self.data:
            raise CandidateError("source csv: `data` is required (a CSV file)")
        if self.source is Source.BUNDLED and self.data:
            raise CandidateError(f"source bundled: `data` is not allowed ({self.data}); use source csv")
        if self.source is not Source.PREDICTION_LOG and (self.start or self.end):
            raise CandidateError(f"source {self.source}: `from` and `to` are allowed for source prediction-log only")
        if not 0 <= self.seed <= MAX_SEED:
            raise CandidateError(f"seed: must be a whole number from 0 to {MAX_SEED}, not {self.seed}")
        times = [datetime.fromisoformat(time) for time in (self.start, self.end) if time]
        if len(times) == 2 and times[0] >= times[1]:  # noqa: PLR2004 - both of them
            raise CandidateError(f"from {self.start} to {self.end}: `to` must be later than `from`")

    def with_start_values(self, champion: str | None, now: datetime) -> Self:
        """Fix the values that could change during the run: the champion, and the end of the time range."""
        open_end = self.source is Source.PREDICTION_LOG and self.end is None
        return replace(self, champion=champion, end=now.isoformat() if open_end else self.end)

    def to_json(self) -> dict[str, Any]:
        """Return all parameters for storage."""
        return asdict(self) | {"source": self.source.value}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse the output of `to_json`.

        Raises:
            CandidateError: the input is invalid.
        """
        try:
            given = dict(stored)
            recipe, limits = Recipe(**given.pop("recipe")), Limits.from_json(given.pop("limits"))
            return cls(**given | {"source": Source(given["source"]), "recipe": recipe, "limits": limits})
        except (KeyError, TypeError, ValueError) as error:
            raise CandidateError(f"invalid run parameters ({error!r})") from error

    @classmethod
    def from_job(cls, given: Any, folder: Path | None) -> Self:
        """Parse the argument of a job; see `docs/jobs.md`.

        Args:
            given: The only argument of the workflow `train`.
            folder: The only folder from which a job may read data; None allows no data files.

        Raises:
            CandidateError: the message names the invalid key and the expected value.
        """
        try:
            order = TrainingOrder.model_validate(given)
        except ValidationError as error:
            raise CandidateError(describe_findings(error)) from error
        return cls(
            source=Source(order.source),
            data=str(_find_data_file(order.data, folder)) if order.data is not None else None,
            start=order.start.isoformat() if order.start else None,
            end=order.end.isoformat() if order.end else None,
            seed=order.seed,
            search=order.search,
        )


def read_time(text: str, name: str) -> str:
    """Parse a time (UTC if it has no zone); returns it in UTC without a zone (ISO 8601).

    Raises:
        CandidateError: the text is not a time.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise CandidateError(f"{name}: must be a time like 2026-11-21 or 2026-11-21T06:30:00Z") from error
    return (time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time).isoformat()


def read_recipe(path: Path) -> Recipe:
    """Read a recipe from a TOML file; missing values keep their defaults.

    Raises:
        CandidateError: the file cannot be read or is invalid.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CandidateError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise CandidateError(f"{path}: not a valid TOML file ({error})") from error
    kinds = {one.name: type(getattr(Recipe, one.name)) for one in fields(Recipe)}
    for name, value in given.items():
        if name not in kinds:
            raise CandidateError(f"{path}: unknown key {name}; valid keys: {', '.join(kinds)}")
        if type(value) not in {int, kinds[name]} or value <= 0:
            raise CandidateError(f"{path}: {name} must be a positive {kinds[name].__name__}, not {value!r}")
    return Recipe(**{name: kinds[name](value) for name, value in given.items()})


def _find_data_file(uri: str, folder: Path | None) -> Path:
    """Resolve a file in the folder from which jobs may read; the error never reveals whether other files exist."""
    if folder is None:
        raise CandidateError("data: not allowed by this worker: it was started without --data-folder")
    path = Path(uri.removeprefix("file://"))
    try:
        found = (folder / path).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        found = None
    if found is None or not found.is_relative_to(folder.resolve()) or not found.is_file():
        raise CandidateError(f"data: {uri[:200]!r} is not a file in the worker's data folder")
    return found
