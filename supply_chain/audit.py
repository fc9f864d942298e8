"""Asks a vulnerability service about every package of every lock, and judges the answers by the written waivers."""

import datetime
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from supply_chain.locks import export_lock
from supply_chain.waivers import Waiver

OSV: Final = "https://api.osv.dev/v1/query"
_EVERYTHING: Final = (
    *("--all-packages", "--all-groups", "--all-extras", "--no-emit-workspace", "--no-emit-local"),
    *("--no-annotate", "--no-header", "--format", "requirements.txt"),
)
_LONGEST_SECONDS: Final = 900
_FOUND_NOTHING, _FOUND_SOMETHING = 0, 1


class AuditError(Exception):
    """The audit could not be run: nothing is known, and that is not the same as nothing being wrong."""


@dataclass(frozen=True)
class Finding:
    """A known vulnerability of a locked package; `fixed_in` are the versions that mend it."""

    lock: str
    package: str
    version: str
    ids: tuple[str, ...]
    fixed_in: tuple[str, ...]

    def __str__(self) -> str:
        remedy = f"mended in {', '.join(self.fixed_in)}" if self.fixed_in else "no version mends it yet"
        return f"{self.lock}: {self.package} {self.version} has {' = '.join(self.ids)} ({remedy})"


def requirements_of(folder: Path) -> str:
    """List everything that a lock holds, on every system and for development too, with hashes."""
    return export_lock(folder, *_EVERYTHING)


def examine(lock: str, requirements: str, service: str = OSV) -> list[Finding]:
    """Let pip-audit ask the service about each requirement.

    Args:
        lock: What to call the lock in what is found.
        requirements: The packages, pinned and hashed.
        service: The address of an OSV service.

    Raises:
        AuditError: the service cannot be reached, or some package was not asked about.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requirements.txt"
        path.write_text(requirements, encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(path), "--disable-pip", "--no-deps"]
        command += ["--format", "json", "--aliases", "on", "--progress-spinner", "off", "--timeout", "15"]
        command += ["--vulnerability-service", "osv", "--osv-url", service]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST_SECONDS, check=False)  # noqa: S603 - our own program
        except subprocess.TimeoutExpired as exc:
            raise AuditError(f"{lock}: no answer within {_LONGEST_SECONDS} s from {service}") from exc
    # It ends with 1 for what it found and for its own troubles alike; only in the first case it has written a report.
    try:
        report = json.loads(ended.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        report = None
    if report is None or ended.returncode not in {_FOUND_NOTHING, _FOUND_SOMETHING}:
        said = ended.stderr.strip().splitlines() or [f"pip-audit ended with {ended.returncode}"]
        raise AuditError(f"{lock}: {service} could not be asked: {said[-1]}")
    if skipped := [f"{entry['name']} ({entry['skip_reason']})" for entry in report if "skip_reason" in entry]:
        raise AuditError(f"{lock}: was not asked about {', '.join(skipped)}")
    return [
        Finding(
            lock,
            entry["name"],
            entry["version"],
            (found["id"], *found.get("aliases", [])),
            tuple(found.get("fix_versions", [])),
        )
        for entry in report
        for found in entry["vulns"]
    ]


def judge(findings: Iterable[Finding], waivers: Iterable[Waiver], today: datetime.date) -> Iterator[str]:
    """Say what is wrong: what no waiver covers, and waivers that have expired or cover nothing."""
    waivers = list(waivers)
    used: Mapping[Waiver, list[Finding]] = {waiver: [] for waiver in waivers}
    for finding in findings:
        covering = [waiver for waiver in waivers if waiver.id in finding.ids and waiver.package == finding.package]
        for waiver in covering:
            used[waiver].append(finding)
        if not covering:
            yield str(finding)
    for waiver, covered in used.items():
        if not covered:
            yield f"the waiver of {waiver.id} ({waiver.package}) covers nothing any more: remove it"
        elif waiver.expires < today:
            yield f"the waiver of {waiver.id} ({waiver.package}) expired on {waiver.expires}: {covered[0]}"
