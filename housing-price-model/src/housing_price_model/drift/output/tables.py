"""A drift check as tables on the terminal."""

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from housing_price_model.drift.check import Check, Judged
from housing_price_model.drift.columns import ColumnDrift
from housing_price_model.drift.findings import MAJOR_PSI, MODERATE_PSI

_MAX_COLUMNS: Final = 12


def tables(check: Check) -> Iterator[RenderableType]:
    """Yield the parts to print, in order."""
    if not check.judged and not check.unjudged:
        yield f"No predictions in the window: {check.window}."
    for one in check.judged:
        found = one.comparison
        colour = {"alarm": "bold red", "steady": "green"}.get(found.verdict, "yellow")
        yield Text.assemble(
            (found.verdict.upper(), colour),
            f"  {one.model.name} version {one.model.version} ({one.model.model_id}): {found.rows:,} rows, "
            f"{check.window}; trained on {found.houses:,} houses; {found.known:,} known sale prices",
        )
        if found.alarms:
            yield _alarms(one)
        yield _columns(one)
    for model, reason in check.unjudged:
        yield Text.assemble(("NOT CHECKED", "yellow"), f"  {model.rows:,} rows of {model.model_id}: {reason}")


def summary(check: Check) -> Iterator[str]:
    """Yield one line per model."""
    for one in check.judged:
        found = one.comparison
        subjects = ", ".join(dict.fromkeys(finding.subject for finding in found.alarms))
        yield (
            f"{check.checked_at:%Y-%m-%d %H:%M:%S} {found.verdict}: {found.rows:,} rows of {one.model.name} version "
            f"{one.model.version} ({one.model.model_id}){': ' if subjects else ''}{subjects}"
        )
    for model, reason in check.unjudged:
        yield f"{check.checked_at:%Y-%m-%d %H:%M:%S} not checked: {model.rows:,} rows of {model.model_id}: {reason}"
    if not check.judged and not check.unjudged:
        yield f"{check.checked_at:%Y-%m-%d %H:%M:%S} no predictions, {check.window}"


def _alarms(one: Judged) -> Table:
    table = Table(
        "Test family", "Subject", "Now and at training", "Effect", "p-value", title="Alarms", title_justify="left"
    )
    for finding in one.comparison.alarms:
        p_value = f"{finding.adjusted:.0e}" if finding.adjusted else "0"
        table.add_row(finding.family.value, finding.subject, finding.says, finding.measured, p_value)
    return table


def _columns(one: Judged) -> Table:
    found = one.comparison
    columns = sorted(found.columns, key=lambda column: -column.psi)[:_MAX_COLUMNS]
    table = Table(
        *("Column", "PSI", "by chance", "KS", "Typical", "at training", "Missing", "at training", "Unseen, vanished"),
        title=f"Predictions, and the {len(columns)} columns with the largest PSI",
        title_justify="left",
    )
    for column in (*found.predictions, *columns):
        table.add_row(*_cells(column))
    return table


def _cells(column: ColumnDrift) -> list[RenderableType]:
    colour = "red" if column.psi >= MAJOR_PSI else "yellow" if column.psi >= MODERATE_PSI else "default"
    words = [
        *(f"+{word} ({count})" for word, count in column.unseen.items()),
        *(f"-{word}" for word in column.vanished),
    ]
    return [
        column.name,
        Text(f"{column.psi:.3f}", style=colour),
        f"{column.psi_of_chance:.3f}",
        "" if column.ks is None else f"{column.ks:.3f}",
        column.typical,
        column.typical_reference,
        f"{column.missing:.1%}",
        f"{column.missing_reference:.1%}",
        ", ".join(words),
    ]
