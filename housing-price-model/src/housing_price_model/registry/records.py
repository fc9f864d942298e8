"""Records of moves: what happened to a version, by whom and why, as stored in the tags of the version."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from housing_price_model.errors import RegistryError
from housing_price_model.registry.names import MOVE_TAG
from housing_price_model.registry.states import State

_INVALID_IN_TAG: Final = re.compile("[^0-9A-Za-z_.-]")

TRAIN: Final = "train"
"""Action of training: the version was registered, and became the champion because none had served yet."""
SERVE: Final = "serve"
"""Action of a stack: it started with the version as champion, without a move."""
_ROLLBACK: Final = "rollback"


@dataclass(frozen=True)
class Record:
    """One move of one version."""

    job: str
    """The id of the job that made the move, or of the training run."""
    at: str
    """Time of the move, in UTC (ISO 8601)."""
    by: str
    """The user or program that requested it."""
    reason: str
    """The reason given."""
    action: str
    """The requested action."""
    source: State
    """The state before the move."""
    target: State
    """The state after the move."""
    other: str | None = None
    """For a new champion, the previous champion; for a replaced champion, the new one."""

    @property
    def tag(self) -> str:
        """Name of the tag that stores the record: one per job, so that a repeated step writes it once."""
        return MOVE_TAG + _INVALID_IN_TAG.sub("_", self.job)

    @property
    def starts_serving(self) -> bool:
        """Whether the version served as champion from this move on."""
        return self.target is State.CHAMPION and self.action != TRAIN

    def to_json(self) -> dict[str, Any]:
        """Convert to the stored form."""
        return {
            "job": self.job,
            "at": self.at,
            "by": self.by,
            "reason": self.reason,
            "action": self.action,
            "from": self.source.value,
            "to": self.target.value,
            "other": self.other,
        }


def read_records(tags: Mapping[str, str]) -> list[Record]:
    """Read the records among the tags of a version, oldest first.

    Raises:
        RegistryError: A tag is not a valid record.
    """
    records = []
    for key, value in tags.items():
        if key.startswith(MOVE_TAG):
            try:
                stored = orjson.loads(value)
                source, target = State(stored.pop("from")), State(stored.pop("to"))
                records.append(Record(**stored, source=source, target=target))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise RegistryError(f"the tag `{key}` is not a valid move record ({error!r})") from error
    return sorted(records, key=lambda record: record.at)


def predecessor(records: list[Record]) -> str | None:
    """Return the version that served before the one with these records was first served; None if there was none.

    A rollback to the version does not count: its predecessor stays the one that it replaced.
    """
    starts = [record for record in records if record.starts_serving and record.action != _ROLLBACK]
    return starts[-1].other if starts else None
