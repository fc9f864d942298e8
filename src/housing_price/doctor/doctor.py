"""Runs all checks and prints a table with the result of each and how to fix problems."""

import platform
from collections.abc import Callable, Iterator
from typing import Final

from rich.table import Table
from rich.text import Text

from housing_price.doctor.checks import Finding, Verdict
from housing_price.doctor.checks.machine import check_lock, check_ports, check_python
from housing_price.doctor.checks.model import (
    check_columns,
    check_comparables,
    check_data,
    check_databases,
    check_export,
    check_registry,
)
from housing_price.processes.output import Output
from housing_price.stack.plan import Plan

CHECKS: Final[tuple[Callable[[Plan], Iterator[Finding]], ...]] = (
    check_python,
    check_lock,
    check_ports,
    check_data,
    check_databases,
    check_registry,
    check_export,
    check_columns,
    check_comparables,
)

STYLES: Final = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.PROBLEM: "bold red"}


def run_checks(plan: Plan, output: Output) -> bool:
    """Run every check and print the findings as a table. Return True if there is no problem."""
    table = Table(title=f"housing-price on {platform.system()}, state in {plan.state.folder}", show_lines=False)
    for column in ("Check", "Result", "Details", "How to fix it"):
        table.add_column(column, overflow="fold")
    findings = [finding for check in CHECKS for finding in check(plan)]
    for finding in findings:
        verdict = Text(finding.verdict, style=STYLES[finding.verdict])
        table.add_row(finding.subject, verdict, finding.details, finding.fix)
    output.table(table)
    problems = sum(finding.verdict is Verdict.PROBLEM for finding in findings)
    output.show(Text(f"{problems} of {len(findings)} checks found a problem." if problems else "No problems found."))
    return problems == 0
