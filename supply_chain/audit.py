"""Looks up every package of a lock in a vulnerability service, and applies the waivers to the findings."""

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

OSV_URL: Final = "https://api.osv.dev/v1/query"
_EXPORT_OPTIONS: Final = (
    *("--all-packages", "--all-groups", "--all-extras", "--no-emit-workspace", "--no-emit-local"),
    *("--no-annotate", "--no-header", "--format", "requirements.txt"),
)
_TIMEOUT_SECONDS: Final = 900
_NO_FINDINGS, _FINDINGS = 0, 1


class AuditError(Exception):
    """The audit could not run, so vulnerabilities are unknown."""


@dataclass(frozen=True)
class Finding:
    """A known vulnerability of a locked package; `fixed_in` lists the versions that fix it."""

    lock: str
    package: str
    version: str
    ids: tuple[str, ...]
    fixed_in: tuple[str, ...]

    def __str__(self) -> str:
        remedy = f"fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "no fixed version yet"
        return f"{self.lock}: {self.package} {self.version} has {' = '.join(self.ids)} ({remedy})"


def export_requirements(folder: Path) -> str:
    """List all packages of a lock with hashes, for every platform and including development packages."""
    return export_lock(folder, *_EXPORT_OPTIONS)


def find_vulnerabilities(lock: str, requirements: str, service: str = OSV_URL) -> list[Finding]:
    """Look up each requirement in the service, with pip-audit.

    Args:
        lock: Name of the lock in findings and messages.
        requirements: The packages, pinned and hashed.
        service: URL of an OSV service.

    Raises:
        AuditError: The service cannot be queried, or pip-audit skipped a package.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requirements.txt"
        path.write_text(requirements, encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(path), "--disable-pip", "--no-deps"]
        command += ["--format", "json", "--aliases", "on", "--progress-spinner", "off", "--timeout", "15"]
        command += ["--vulnerability-service", "osv", "--osv-url", service]
        try:
            completed = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)  # noqa: S603 - fixed arguments
        except subprocess.TimeoutExpired as error:
            raise AuditError(f"{lock}: no response within {_TIMEOUT_SECONDS} s from {service}") from error
    # pip-audit exits with 1 for findings and for its own errors; it writes a report only for findings.
    try:
        report = json.loads(completed.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        report = None
    if report is None or completed.returncode not in {_NO_FINDINGS, _FINDINGS}:
        reason = completed.stderr.strip().splitlines() or [f"pip-audit exited with {completed.returncode}"]
        raise AuditError(f"{lock}: {service} could not be queried: {reason[-1]}")
    if skipped := [f"{entry['name']} ({entry['skip_reason']})" for entry in report if "skip_reason" in entry]:
        raise AuditError(f"{lock}: pip-audit skipped {', '.join(skipped)}")
    return [
        Finding(
            lock,
            entry["name"],
            entry["version"],
            (vulnerability["id"], *vulnerability.get("aliases", [])),
            tuple(vulnerability.get("fix_versions", [])),
        )
        for entry in report
        for vulnerability in entry["vulns"]
    ]


def list_problems(findings: Iterable[Finding], waivers: Iterable[Waiver], today: datetime.date) -> Iterator[str]:
    """Describe each finding without a waiver, and each waiver that has expired or matches no finding."""
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
            yield f"the waiver for {waiver.id} ({waiver.package}) matches no finding: remove it"
        elif waiver.expires < today:
            yield f"the waiver for {waiver.id} ({waiver.package}) expired on {waiver.expires}: {covered[0]}"
