"""What `housing-price doctor` looks at: each check takes the plan and yields findings."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad a finding is. A note is something that is missing only because nothing was started yet."""

    GOOD = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    what: str
    verdict: Verdict
    found: str
    advice: str = ""
