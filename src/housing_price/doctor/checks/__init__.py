"""The checks of `housing-price doctor`. Each takes the plan and yields findings."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Severity of a finding. A note needs no action: for example, nothing was started on the state folder yet."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One row of the report."""

    subject: str
    verdict: Verdict
    details: str
    fix: str = ""
