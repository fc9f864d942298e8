"""A drift check as a JSON document; `docs/drift.md` describes its members."""

from datetime import datetime
from typing import Any, Final

from housing_price_model.drift.check import Check, Judged
from housing_price_model.drift.columns import ColumnDrift
from housing_price_model.drift.findings import Finding

VERSION: Final = 1


def document(check: Check) -> dict[str, Any]:
    """Return the document."""
    return {
        "version": VERSION,
        "checked_at": _at(check.checked_at),
        "from": _at(check.window.start),
        "to": _at(check.window.end),
        "is_alarm": check.is_alarm,
        "models": [_judged(one) for one in check.judged],
        "unjudged": [
            {"model_id": model.model_id, "rows": model.rows, "reason": reason} for model, reason in check.unjudged
        ],
    }


def _judged(one: Judged) -> dict[str, Any]:
    found = one.comparison
    groups = zip(found.groups.labels, found.groups.logged, found.groups.reference, strict=True)
    return {
        "model_id": one.model.model_id,
        "name": one.model.name,
        "model_version": one.model.version,
        "verdict": found.verdict,
        "rows": found.rows,
        "houses_at_training": found.houses,
        "known_sale_prices": found.known,
        "tests": len(found.findings),
        "alarms": [_finding(finding) for finding in found.alarms],
        "columns": [_column(column) for column in found.columns],
        "predictions": [_column(column) for column in found.predictions],
        "neighbourhoods": {name: {"share": now, "share_at_training": before} for name, now, before in groups},
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "family": finding.family.value,
        "subject": finding.subject,
        "measure": finding.measure,
        "effect": finding.effect,
        "p_value": finding.p_value,
        "adjusted_p_value": finding.adjusted,
        "says": finding.says,
    }


def _column(column: ColumnDrift) -> dict[str, Any]:
    return {
        "name": column.name,
        "psi": column.psi,
        "psi_of_chance": column.psi_of_chance,
        "ks": column.ks,
        "typical": column.typical,
        "typical_at_training": column.typical_reference,
        "missing": column.missing,
        "missing_at_training": column.missing_reference,
        "unseen": dict(column.unseen),
        "vanished": dict(column.vanished),
    }


def _at(time: datetime | None) -> str | None:
    return None if time is None else f"{time:%Y-%m-%dT%H:%M:%SZ}"
