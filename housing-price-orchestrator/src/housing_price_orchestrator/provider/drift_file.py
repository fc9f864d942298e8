"""Reads the result of the scheduled drift check, a JSON document that `housing-price-model drift --json` writes."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from pydantic import BaseModel, ConfigDict, Field

from housing_price_orchestrator.shared.drift import DriftCheck, DriftState, DriftVerdict
from housing_price_platform.files import DamagedFile, read_document

MAX_BYTES: Final = 16 * 1024 * 1024
"""Size limit of the file. The result for one model takes about 40 kB."""

_VERSION: Final = 1


class _Part(BaseModel):
    """A part of the document. Members that are not needed here are ignored."""

    model_config = ConfigDict(extra="ignore")


class _Finding(_Part):
    family: str
    subject: str
    says: str


class _Judged(_Part):
    model_id: str
    name: str
    model_version: str
    verdict: DriftVerdict
    rows: int
    alarms: list[_Finding]


class _Unjudged(_Part):
    model_id: str
    rows: int
    reason: str


class _Document(_Part):
    version: int
    checked_at: datetime
    start: datetime | None = Field(alias="from")
    end: datetime | None = Field(alias="to")
    is_alarm: bool
    models: list[_Judged]
    unjudged: list[_Unjudged]


class DriftFile:
    """Knows the result of the latest drift check. The writer replaces the file atomically."""

    def __init__(self, path: Path | None) -> None:
        """Read the file at `path`; without one, no check is configured."""
        self._path = path
        self._log = structlog.get_logger()

    async def state(self) -> DriftState:
        """Return the result of the latest check. A damaged file is logged."""
        if self._path is None:
            return DriftState(state="off", check=None)
        try:
            check = await asyncio.to_thread(_read, self._path)
        except DamagedFile as error:
            self._log.warning("the result of the drift check cannot be read", error=str(error))
            return DriftState(state="unreadable", check=None)
        return DriftState(state="unchecked" if check is None else "checked", check=check)


def _read(path: Path) -> DriftCheck | None:
    return read_document(path, _parse, remedy="the next check writes it again", max_bytes=MAX_BYTES)


def _parse(content: bytes) -> DriftCheck:
    found = _Document.model_validate_json(content)
    if found.version != _VERSION:
        raise ValueError(f"version {found.version}, expected {_VERSION}")
    return DriftCheck.model_validate(
        {
            "checkedAt": found.checked_at,
            "since": found.start,
            "until": found.end,
            "isAlarm": found.is_alarm,
            "models": [
                {
                    "name": one.name,
                    "version": one.model_version,
                    "modelId": one.model_id,
                    "verdict": one.verdict,
                    "rows": one.rows,
                    "alarms": [alarm.model_dump() for alarm in one.alarms],
                }
                for one in found.models
            ],
            "unchecked": [{"modelId": one.model_id, "rows": one.rows, "reason": one.reason} for one in found.unjudged],
        }
    )
