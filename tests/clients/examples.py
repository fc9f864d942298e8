"""Runs the examples of docs/clients.md as a reader would: from the repository, against a running service."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from client_tools.tools import NODE_MODULES, NODE_PROGRAMS, PYTHON_PROGRAMS

from ..documents import REPOSITORY

EXAMPLES: Final = REPOSITORY / "examples" / "clients"
ADDRESS, KEY = "http://127.0.0.1:8000", "YOUR_KEY"
"""The address and the key in the examples."""

SECONDS: Final = 120


@dataclass(frozen=True)
class Ran:
    """An example that ended."""

    status: int
    printed: str
    errors: str

    @property
    def numbers(self) -> list[float]:
        """The numbers that it printed, in order."""
        assert self.status == 0, self.printed + self.errors
        return [float(word) for word in self.printed.split()]


def run(*command: str | Path, **environment: str) -> Ran:
    """Run a command in the repository."""
    # A proxy of this machine does not reach a server of the test.
    inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    completed = subprocess.run(
        [str(part) for part in command],
        cwd=REPOSITORY,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Ran(completed.returncode, completed.stdout, completed.stderr)


def copied(folder: Path, language: str, replaced: Mapping[str, str]) -> list[Path]:
    """Copy the examples of a language, with other texts in place of those of `replaced`."""
    copies = []
    for example in sorted((EXAMPLES / language).iterdir()):
        text = example.read_text(encoding="utf-8")
        for shown, real in replaced.items():
            text = text.replace(shown, real)
        copies.append(folder / example.name)
        copies[-1].write_text(text, encoding="utf-8")
    return copies


def check_python(clients: Path, *paths: Path) -> Ran:
    """Check the types of files that use the generated client."""
    options = ("--strict", "--config-file=", "--cache-dir=/dev/null")
    return run(PYTHON_PROGRAMS / "mypy", *options, *paths, MYPYPATH=str(clients / "python"))


def run_python(clients: Path, example: Path) -> Ran:
    """Run a Python file with the generated client."""
    return run(PYTHON_PROGRAMS / "python", "-W", "error", example, PYTHONPATH=str(clients / "python"))


def typescript_project(clients: Path, folder: Path) -> Path:
    """Make a project that has the generated client as a package; returns it."""
    modules = folder / "node_modules"
    modules.mkdir(parents=True)
    (modules / "housing-price-client").symlink_to(clients / "typescript")
    for package in ("@types", "undici-types"):
        (modules / package).symlink_to(NODE_MODULES / package)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def compile_typescript(project: Path) -> Ran:
    """Check the types of a project and write JavaScript into its folder `build`."""
    return run(NODE_PROGRAMS / "tsc", "--project", project)


def run_node(script: Path) -> Ran:
    """Run a JavaScript file."""
    return run("node", script)


def run_newman(collection: Path, report: Path, **variables: str) -> Ran:
    """Run a Postman collection once, and write newman's report as JSON."""
    values = [part for name, value in variables.items() for part in ("--env-var", f"{name}={value}")]
    reporters = ("--reporters", "cli,json", "--reporter-json-export", report)
    return run(NODE_PROGRAMS / "newman", "run", collection, *reporters, *values)
