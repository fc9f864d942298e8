"""What a run is asked for: fixed once when it starts, stored in its folder, and logged with its model."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from housing_price_model.candidate.limits import Limits
from housing_price_model.errors import CandidateError
from housing_price_model.fitting.pipeline import Recipe

MAX_SEED: Final = 2**31 - 1
_JOB_KEYS: Final = ("data", "source", "from", "to", "seed", "search")


class Source(StrEnum):
    """Where the houses come from."""

    BUNDLED = "bundled"
    CSV = "csv"
    PREDICTION_LOG = "prediction-log"


@dataclass(frozen=True)
class Surroundings:
    """Where things are; they do not decide what comes out, and may hold passwords, so they are never stored.

    Attributes:
        tracking_uri: The tracking server.
        log_url: The prediction log, if there is one.
    """

    tracking_uri: str
    log_url: str | None = None


@dataclass(frozen=True)
class Parameters:
    """What decides the outcome of a run.

    Attributes:
        source: Where the houses come from.
        data: The CSV, for `csv`; for `prediction-log` what its sales are added to (the bundled survey by default).
        start: The first time of the prediction log, in UTC without a zone (ISO 8601).
        end: The time before which it ends; fixed when the run starts.
        seed: Of the folds and of the trees.
        search: Whether to look for a better recipe first.
        recipe: What is trained; with `search`, what the search begins with.
        limits: Of the data and of the gate.
        champion: The version that it is compared with; None if there was none when the run started.
    """

    source: Source = Source.BUNDLED
    data: str | None = None
    start: str | None = None
    end: str | None = None
    seed: int = 0
    search: bool = False
    recipe: Recipe = field(default_factory=Recipe)
    limits: Limits = field(default_factory=Limits)
    champion: str | None = None

    def __post_init__(self) -> None:
        """Refuse what does not go together.

        Raises:
            CandidateError: it says what is wrong.
        """
        if self.source is Source.CSV and not self.data:
            raise CandidateError("source csv: `data` should name a CSV file")
        if self.source is Source.BUNDLED and self.data:
            raise CandidateError(f"source bundled: has its own data and takes no other ({self.data}); source csv does")
        if self.source is not Source.PREDICTION_LOG and (self.start or self.end):
            raise CandidateError(f"source {self.source}: `from` and `to` choose a time of the prediction log")
        if not 0 <= self.seed <= MAX_SEED:
            raise CandidateError(f"seed: should be a whole number from 0 to {MAX_SEED}, and not {self.seed}")
        times = [datetime.fromisoformat(time) for time in (self.start, self.end) if time]
        if len(times) == 2 and times[0] >= times[1]:  # noqa: PLR2004 - both of them
            raise CandidateError(f"from {self.start} to {self.end}: ends before it begins")

    def started(self, champion: str | None, now: datetime) -> Self:
        """Fix what could change while the run goes on: the champion, and where the prediction log ends."""
        open_end = self.source is Source.PREDICTION_LOG and self.end is None
        return replace(self, champion=champion, end=now.isoformat() if open_end else self.end)

    def to_json(self) -> dict[str, Any]:
        """Give all of them for a file."""
        return asdict(self) | {"source": self.source.value}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave.

        Raises:
            CandidateError: it is something else.
        """
        try:
            given = dict(stored)
            recipe, limits = Recipe(**given.pop("recipe")), Limits.from_json(given.pop("limits"))
            return cls(**given | {"source": Source(given["source"]), "recipe": recipe, "limits": limits})
        except (KeyError, TypeError, ValueError) as exc:
            raise CandidateError(f"these are no parameters of a run ({exc!r})") from exc

    @classmethod
    def from_job(cls, given: Any, folder: Path | None) -> Self:
        """Read what a job was submitted with; see `docs/jobs.md`.

        Args:
            given: The one argument of the workflow `train`.
            folder: The only folder from which a job may read data; None for no data of its own.

        Raises:
            CandidateError: it says which key is wrong, and what would be right.
        """
        if not isinstance(given, dict) or (given.keys() - set(_JOB_KEYS)):
            raise CandidateError(f"the argument should be an object with {', '.join(_JOB_KEYS)}")
        seed, search, data = given.get("seed", 0), given.get("search", False), given.get("data")
        if type(seed) is not int:
            raise CandidateError(f"seed: should be a whole number from 0 to {MAX_SEED}")
        if type(search) is not bool:
            raise CandidateError("search: should be true or false")
        if data is not None and not isinstance(data, str):
            raise CandidateError("data: should be null or the URI of a CSV file")
        return cls(
            source=source_of(given.get("source", Source.BUNDLED)),
            data=str(_inside(data, folder)) if data is not None else None,
            start=_time_of(given, "from"),
            end=_time_of(given, "to"),
            seed=seed,
            search=search,
        )


def source_of(text: Any) -> Source:
    """Read the name of a source.

    Raises:
        CandidateError: there is no such source.
    """
    if text not in list(Source):
        raise CandidateError(f"source: should be one of {', '.join(Source)}")
    return Source(text)


def read_time(text: str, name: str) -> str:
    """Read a time; one without a zone is UTC. Returns it in UTC without a zone (ISO 8601).

    Raises:
        CandidateError: it is none.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError as exc:
        raise CandidateError(f"{name}: should be a time like 2026-11-21 or 2026-11-21T06:30:00Z") from exc
    return (time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time).isoformat()


def read_recipe(path: Path) -> Recipe:
    """Read a TOML file with parts of a recipe by name; what is not given is as it is by default.

    Raises:
        CandidateError: it cannot be read, or holds something else.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise CandidateError(f"{path}: cannot be read ({exc.strerror})") from exc
    except ValueError as exc:
        raise CandidateError(f"{path}: is no TOML file ({exc})") from exc
    kinds = {one.name: type(getattr(Recipe, one.name)) for one in fields(Recipe)}
    for name, value in given.items():
        if name not in kinds:
            raise CandidateError(f"{path}: a recipe has no {name}; it has {', '.join(kinds)}")
        if type(value) not in {int, kinds[name]} or value <= 0:
            raise CandidateError(f"{path}: {name} should be a positive {kinds[name].__name__}, and not {value!r}")
    return Recipe(**{name: kinds[name](value) for name, value in given.items()})


def _time_of(given: Mapping[str, Any], name: str) -> str | None:
    text = given.get(name)
    if text is None:
        return None
    if not isinstance(text, str):
        raise CandidateError(f"{name}: should be null or a time like 2026-11-21T06:30:00Z")
    return read_time(text, name)


def _inside(uri: str, folder: Path | None) -> Path:
    """Find a file in the one folder from which jobs may read; nothing is told of what lies elsewhere."""
    if folder is None:
        raise CandidateError("data: this worker reads no data of jobs; it was started without --data-folder")
    path = Path(uri.removeprefix("file://"))
    try:
        found = (folder / path).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        found = None
    if found is None or not found.is_relative_to(folder.resolve()) or not found.is_file():
        raise CandidateError(f"data: {uri[:200]!r} is no file in the worker's data folder")
    return found
