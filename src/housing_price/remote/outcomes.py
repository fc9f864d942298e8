"""Says how a job ended, in words and as the exit status of the command."""

from typing import Any, Final

import typer

from housing_price.remote.api import Api, fail
from housing_price_platform.output.terminal import echo

EXIT_FINDING: Final = 3
"""Exit status of a job that succeeded with a negative finding: refused rows, or a candidate that failed its gate."""


def end_with_outcome(api: Api, job: dict[str, Any]) -> None:
    """Print how a finished job ended; ends the program with status 1 if it failed, 3 if rows or a gate failed."""
    echo(job["state"])
    rows = job.get("result")
    if job["state"] == "succeeded" or (rows and any(rows.values())):
        for line in outcome_of(api, job):
            echo(line)
    if job["state"] != "succeeded":
        fail(_failure_of(job))
    if has_finding(api, job):
        raise typer.Exit(EXIT_FINDING)


def outcome_of(api: Api, job: dict[str, Any]) -> list[str]:
    """Return the outcome of a finished job, in one line and perhaps further ones."""
    if job["type"] == "scoring":
        return [rows_in_words(job)]
    if job["state"] != "succeeded":
        return []
    report = api.report_of(job["id"])
    if job["type"] == "training":
        return _training_in_words(report)
    if not report:
        return []
    return [_move_in_words(report)]


def short_outcome_of(api: Api, job: dict[str, Any]) -> str:
    """Return the outcome of a job for a list; empty while it has not finished."""
    if job["state"] == "failed":
        return str((job["error"] or {}).get("code", ""))
    if job["state"] != "succeeded":
        return ""
    if job["type"] != "training":
        return rows_in_words(job) if job["type"] == "scoring" else ""
    report = api.report_of(job["id"])
    if failed := _failed_checks(report):
        return f"gate failed: {', '.join(failed)}"
    if report.get("sameAs"):
        return f"same as version {report['sameAs']}"
    return f"version {report['version']}" if report.get("version") else "nothing registered"


def has_finding(api: Api, job: dict[str, Any]) -> bool:
    """Return whether rows were refused, or the gate of a training failed."""
    if job["type"] == "training":
        return bool(_failed_checks(api.report_of(job["id"])))
    return bool((job.get("result") or {}).get("rowsRefused"))


def rows_in_words(job: dict[str, Any]) -> str:
    """Return the number of rows that a scoring job priced and refused."""
    rows = job.get("result") or {}
    return f"{rows.get('rowsPriced', 0)} priced, {rows.get('rowsRefused', 0)} refused"


def _move_in_words(report: dict[str, Any]) -> str:
    moved, state, other = report.get("version"), report.get("state"), report.get("previous")
    model = report.get("model", "price")
    of_model = "" if model == "price" else f" of the {model} model"
    if not other:
        return f"Version {moved}{of_model} is now {state}."
    if state == "champion":
        return f"Version {moved}{of_model} is now champion; the previous champion was version {other}."
    return f"Version {other}{of_model} is champion again; version {moved} is now {state}."


def _training_in_words(report: dict[str, Any]) -> list[str]:
    failed = _failed_checks(report)
    if failed:
        checks = [f"{check}: {says}" for check, says in failed.items()]
        return [f"The gate failed, so nothing was registered. Failed checks: {len(failed)}", *checks]
    comparables = report.get("comparables") or {}
    if report.get("sameAs") and not comparables.get("version"):
        return [f"Nothing changed: the model is identical to version {report['sameAs']}. Nothing was registered."]
    lines = ["The gate passed. Nothing was registered."]
    if report.get("version"):
        lines = [f"The gate passed. Version {report['version']} is the challenger."]
    elif report.get("sameAs"):
        lines = [f"The gate passed. The price model is identical to version {report['sameAs']}."]
    if comparables.get("version"):
        lines.append(f"Version {comparables['version']} of the comparables model is its challenger.")
    return lines


def _failed_checks(report: dict[str, Any]) -> dict[str, str]:
    return {one["check"]: one.get("says", "") for one in report.get("gate", ()) if not one["passed"]}


def _failure_of(job: dict[str, Any]) -> str:
    if job["state"] == "cancelled":
        return "The job was cancelled."
    error = job["error"] or {}
    code = f" ({error['code']})" if "code" in error else ""
    return f"The job failed{code}: {error.get('detail', 'no reason was recorded')}"
