"""The command line: `python -m client_tools`, run by `make clients`."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from client_tools.generate import generate
from client_tools.tools import NotInstalledError, ToolError, check_node, install_node_programs, install_python_programs

CLIENTS: Final = Path(__file__).resolve().parents[1] / "clients"
NOT_INSTALLED: Final = 3
"""Exit status if Node is missing or too old, or if the packages of the generators cannot be downloaded."""


def main(to: Annotated[Path, typer.Option(help="Folder to write to.")] = CLIENTS) -> None:
    """Generate typed Python and TypeScript clients and a Postman collection.

    Exit status 1: a generator failed; 3: Node or a package of the generators is missing.
    """
    try:
        check_node()
        install_python_programs()
        install_node_programs()
        for folder in generate(to.absolute()):
            print(folder)  # noqa: T201 - the output of the command
    except NotInstalledError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the report
        raise typer.Exit(NOT_INSTALLED) from error
    except ToolError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    typer.run(main)
