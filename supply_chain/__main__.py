"""The command line: `python -m supply_chain audit | sbom`."""

import datetime
import sys
from pathlib import Path
from typing import Annotated

import typer

from supply_chain.audit import OSV, AuditError, examine, judge, requirements_of
from supply_chain.locks import LOCKS, REPOSITORY
from supply_chain.sbom import write_sboms
from supply_chain.waivers import WAIVERS, WaiverError, read_waivers

app = typer.Typer(help=__doc__, no_args_is_help=True)
COULD_NOT_BE_RUN = 3


@app.command()
def audit(
    service: Annotated[
        str, typer.Option(envvar="AUDIT_OSV_URL", help="An OSV service, such as a mirror of your own.")
    ] = OSV,
) -> None:
    """Look up every locked package; ends with 1 if something is wrong, with 3 if the service could not be asked."""
    today = datetime.datetime.now(datetime.UTC).date()
    try:
        waivers = read_waivers(WAIVERS, today)
        findings = []
        for name, folder in LOCKS.items():
            requirements = requirements_of(folder)
            found = examine(name, requirements, service)
            print(f"{name}: {requirements.count('==')} requirements, {len(found)} known vulnerabilities")  # noqa: T201 - the report
            findings += found
    except WaiverError as error:
        sys.exit(f"error: {error}")
    except AuditError as error:
        print(f"THE AUDIT WAS NOT RUN: {error}", file=sys.stderr)  # noqa: T201 - the report
        raise typer.Exit(COULD_NOT_BE_RUN) from error
    if wrong := list(judge(findings, waivers, today)):
        sys.exit("\n".join(f"error: {text}" for text in wrong))
    print(f"nothing is known against what is locked, but for {len(waivers)} waivers")  # noqa: T201 - the report


@app.command()
def sbom(to: Annotated[Path, typer.Option(help="The folder to write.")] = REPOSITORY / "sbom") -> None:
    """Write a CycloneDX SBOM for each image."""
    for path in write_sboms(to):
        print(path)  # noqa: T201 - what was asked for


if __name__ == "__main__":
    app()
