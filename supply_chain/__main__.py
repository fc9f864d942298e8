"""The command line: `python -m supply_chain audit | sbom`."""

import datetime
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from supply_chain.audit import OSV_URL, AuditError, Finding, export_requirements, find_vulnerabilities, list_problems
from supply_chain.locks import LOCKS, REPOSITORY
from supply_chain.sbom import write_sboms
from supply_chain.waivers import WAIVERS, WaiverError, read_waivers

app = typer.Typer(help=__doc__, no_args_is_help=True)
AUDIT_NOT_RUN: Final = 3
"""Exit status if the service could not be queried."""


@app.command()
def audit(
    service: Annotated[
        str, typer.Option(envvar="AUDIT_OSV_URL", help="URL of an OSV service, for example of a mirror.")
    ] = OSV_URL,
) -> None:
    """Look up every locked package. Exit status 1: a problem was found; 3: the service could not be queried."""
    today = datetime.datetime.now(datetime.UTC).date()
    try:
        waivers = read_waivers(WAIVERS, today)
        findings: list[Finding] = []
        for name, folder in LOCKS.items():
            requirements = export_requirements(folder)
            found = find_vulnerabilities(name, requirements, service)
            print(f"{name}: {requirements.count('==')} packages, {len(found)} known vulnerabilities")  # noqa: T201 - the report
            findings += found
    except WaiverError as error:
        sys.exit(f"error: {error}")
    except AuditError as error:
        print(f"THE AUDIT DID NOT RUN: {error}", file=sys.stderr)  # noqa: T201 - the report
        raise typer.Exit(AUDIT_NOT_RUN) from error
    if problems := list(list_problems(findings, waivers, today)):
        sys.exit("\n".join(f"error: {problem}" for problem in problems))
    print(f"no known vulnerabilities, apart from {len(waivers)} waived")  # noqa: T201 - the report


@app.command()
def sbom(to: Annotated[Path, typer.Option(help="Folder to write to.")] = REPOSITORY / "sbom") -> None:
    """Write a CycloneDX SBOM for each image."""
    for path in write_sboms(to):
        print(path)  # noqa: T201 - the output of the command


if __name__ == "__main__":
    app()
