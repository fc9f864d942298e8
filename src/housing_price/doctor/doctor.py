"""`housing-price doctor`: looks at everything the stack needs and says what to do about each finding."""

import platform
from collections.abc import Callable, Iterator

from rich.table import Table
from rich.text import Text

from housing_price.doctor.checks import Finding, Verdict
from housing_price.doctor.checks.machine import check_lock, check_ports, check_python
from housing_price.doctor.checks.model import check_columns, check_data, check_export, check_registry
from housing_price.stack.output import Output
from housing_price.stack.services import Plan

CHECKS: tuple[Callable[[Plan], Iterator[Finding]], ...] = (
    check_python,
    check_lock,
    check_ports,
    check_data,
    check_registry,
    check_export,
    check_columns,
)

STYLES = {Verdict.GOOD: "green", Verdict.NOTE: "yellow", Verdict.WRONG: "bold red"}


def examine(plan: Plan, output: Output) -> bool:
    """Run every check and print the findings as a table; whether nothing is wrong."""
    table = Table(title=f"housing-price on {platform.system()}, state in {plan.state.folder}", show_lines=False)
    for column in ("Check", "", "Found", "What to do"):
        table.add_column(column, overflow="fold")
    findings = [finding for check in CHECKS for finding in check(plan)]
    for finding in findings:
        verdict = Text(finding.verdict, style=STYLES[finding.verdict])
        table.add_row(finding.what, verdict, Text(finding.found), Text(finding.advice))
    output.show(table)
    wrong = sum(finding.verdict is Verdict.WRONG for finding in findings)
    output.show(Text(f"{wrong} of {len(findings)} findings need attention" if wrong else "Nothing is wrong."))
    return wrong == 0
