"""Written waivers: known vulnerabilities that we live with, each with a reason and a day on which it ends."""

import datetime
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

WAIVERS: Final = Path(__file__).with_name("waivers.toml")
LONGEST: Final = datetime.timedelta(days=180)
_KEYS: Final = {"id": str, "package": str, "reason": str, "expires": datetime.date}
_SHORTEST_REASON: Final = 20


class WaiverError(Exception):
    """The file of waivers is not written as it should be."""


@dataclass(frozen=True)
class Waiver:
    """One line of `waivers.toml`; it holds up to and including the day `expires`."""

    id: str
    package: str
    reason: str
    expires: datetime.date


def read_waivers(path: Path, today: datetime.date) -> list[Waiver]:
    """Read the waivers; those that have expired are among them.

    Raises:
        WaiverError: the file cannot be read, or a waiver says too little or too much or reaches too far ahead.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise WaiverError(f"{path}: cannot be read ({exc})") from exc
    entries = document.get("waiver", [])
    if document.keys() - {"waiver"} or not isinstance(entries, list):
        raise WaiverError(f"{path}: should hold [[waiver]] and nothing else")
    waivers = [_read(entry, f"{path}: waiver {number}", today) for number, entry in enumerate(entries, 1)]
    names = [(waiver.id, waiver.package) for waiver in waivers]
    if twice := {name for name in names if names.count(name) > 1}:
        raise WaiverError(f"{path}: stands twice: {sorted(twice)}")
    return waivers


def _read(entry: Any, where: str, today: datetime.date) -> Waiver:
    if not isinstance(entry, dict) or entry.keys() != _KEYS.keys():
        raise WaiverError(f"{where} should have {', '.join(_KEYS)} and nothing else")
    for key, kind in _KEYS.items():
        if type(entry[key]) is not kind or not entry[key]:
            raise WaiverError(
                f"{where}: {key} should be a {'day like 2027-01-31' if kind is datetime.date else 'text'}"
            )
    waiver = Waiver(**entry)
    if len(waiver.reason.strip()) < _SHORTEST_REASON:
        raise WaiverError(f"{where} ({waiver.id}): the reason says too little")
    if waiver.expires - today > LONGEST:
        raise WaiverError(f"{where} ({waiver.id}): expires more than {LONGEST.days} days from now")
    return waiver
