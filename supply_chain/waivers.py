"""Waivers: known vulnerabilities that are accepted for a time, each with a reason and an expiry date."""

import datetime
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

WAIVERS: Final = Path(__file__).with_name("waivers.toml")
MAX_DURATION: Final = datetime.timedelta(days=180)
_KEYS: Final = {"id": str, "package": str, "reason": str, "expires": datetime.date}
_MIN_REASON_CHARACTERS: Final = 20


class WaiverError(Exception):
    """The file of waivers is invalid."""


@dataclass(frozen=True)
class Waiver:
    """One entry of `waivers.toml`; valid up to and including the day `expires`."""

    id: str
    package: str
    reason: str
    expires: datetime.date


def read_waivers(path: Path, today: datetime.date) -> list[Waiver]:
    """Read all waivers, including expired ones.

    Raises:
        WaiverError: The file cannot be read, or a waiver has wrong keys, a short reason or a late expiry date.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WaiverError(f"{path}: cannot be read ({error})") from error
    entries = document.get("waiver", [])
    if document.keys() - {"waiver"} or not isinstance(entries, list):
        raise WaiverError(f"{path}: only [[waiver]] tables are allowed")
    waivers = [_read(entry, f"{path}: waiver {number}", today) for number, entry in enumerate(entries, 1)]
    names = [(waiver.id, waiver.package) for waiver in waivers]
    if duplicates := {name for name in names if names.count(name) > 1}:
        raise WaiverError(f"{path}: duplicate waivers: {sorted(duplicates)}")
    return waivers


def _read(entry: Any, where: str, today: datetime.date) -> Waiver:
    if not isinstance(entry, dict) or entry.keys() != _KEYS.keys():
        raise WaiverError(f"{where} must have exactly the keys {', '.join(_KEYS)}")
    for key, kind in _KEYS.items():
        if type(entry[key]) is not kind or not entry[key]:
            raise WaiverError(
                f"{where}: {key} must be a {'date like 2027-01-31' if kind is datetime.date else 'non-empty string'}"
            )
    waiver = Waiver(**entry)
    if len(waiver.reason.strip()) < _MIN_REASON_CHARACTERS:
        raise WaiverError(
            f"{where} ({waiver.id}): the reason is too short (minimum: {_MIN_REASON_CHARACTERS} characters)"
        )
    if waiver.expires - today > MAX_DURATION:
        raise WaiverError(f"{where} ({waiver.id}): expires more than {MAX_DURATION.days} days from now")
    return waiver
