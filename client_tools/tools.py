"""The generators' programs: checks Node, and installs the locked versions beside this module."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from housing_price.errors import StackError
from housing_price.stack.services import find_uv

TOOLS: Final = Path(__file__).resolve().parent
PYTHON_PROGRAMS: Final = TOOLS / ".venv" / "bin"
NODE_MODULES: Final = TOOLS / "node_modules"
NODE_PROGRAMS: Final = NODE_MODULES / ".bin"

NODE_NEEDED: Final = (20, 19)
"""The oldest Node on which every locked package runs: @hey-api/openapi-ts needs 20.19."""

_INSTALLED: Final = ".installed"
"""A file in `NODE_MODULES` with the digest of the lock file whose packages are installed."""
_INSTALL_SECONDS: Final = 600
_RUN_SECONDS: Final = 300


class ToolError(Exception):
    """The clients cannot be generated; the message says why in one line."""


class NotInstalledError(ToolError):
    """A program is missing: Node, or packages that could not be downloaded."""


def check_node() -> None:
    """Check that Node and npm are installed and new enough.

    Raises:
        NotInstalledError: They are missing or too old.
    """
    needed = f"`make clients` needs Node.js {NODE_NEEDED[0]} or newer ({'.'.join(map(str, NODE_NEEDED))} at least)"
    node = shutil.which("node")
    if node is None:
        raise NotInstalledError(f"{needed}; no `node` was found on the PATH")
    completed = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - Node
    version = re.match(r"v(\d+)\.(\d+)", completed.stdout)
    if version is None:
        raise NotInstalledError(f"{needed}; {node} did not tell its version")
    if (int(version[1]), int(version[2])) < NODE_NEEDED:
        raise NotInstalledError(f"{needed}; {node} is {completed.stdout.strip()}")
    if shutil.which("npm") is None:
        raise NotInstalledError(f"{needed}; `node` was found on the PATH, but no `npm`")


def install_python_programs() -> None:
    """Install the locked Python packages, unless they are installed.

    Raises:
        NotInstalledError: uv is missing, or the packages cannot be downloaded.
    """
    try:
        uv = find_uv()
    except StackError as error:
        raise NotInstalledError(str(error)) from error
    _install_with("uv", uv, "sync", "--frozen", "--quiet", "--project", str(TOOLS))


def install_node_programs() -> None:
    """Install the locked npm packages, unless they are installed.

    Raises:
        NotInstalledError: The packages cannot be downloaded.
    """
    digest = hashlib.sha256((TOOLS / "package-lock.json").read_bytes()).hexdigest()
    installed = NODE_MODULES / _INSTALLED
    if installed.is_file() and installed.read_text(encoding="utf-8") == digest:
        return
    # No package of the lock needs its installation scripts.
    _install_with("npm", "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    installed.write_text(digest, encoding="utf-8")


def _install_with(name: str, *command: str) -> None:
    try:
        run(*command, seconds=_INSTALL_SECONDS)
    except ToolError as error:
        raise NotInstalledError(f"{name} could not install the generators: {error}") from error


def run(*command: str, seconds: float = _RUN_SECONDS, also: Mapping[str, str] | None = None) -> str:
    """Run a program in the folder of the tools and return what it printed.

    Args:
        command: The program and its arguments.
        seconds: Time limit.
        also: Further environment variables.

    Raises:
        ToolError: The program failed or took too long; the message holds its last line.
    """
    try:
        completed = subprocess.run(  # noqa: S603 - programs of the lock files
            command,
            cwd=TOOLS,
            env=environment() | dict(also or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{Path(command[0]).name} did not end within {seconds:.0f} s") from error
    if completed.returncode != 0:
        raise ToolError(f"{Path(command[0]).name} ended with {completed.returncode}: {_reason(completed.stdout)}")
    return completed.stdout


def environment() -> dict[str, str]:
    """Return the environment of a tool: of the tools' own Python environment, and without colours."""
    # These variables would make uv and Python use the environment of the workspace.
    foreign = {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH", "FORCE_COLOR"}
    inherited = {name: value for name, value in os.environ.items() if name not in foreign}
    path = os.pathsep.join([str(PYTHON_PROGRAMS), inherited.get("PATH", os.defpath)])
    return {**inherited, "PATH": path, "NO_COLOR": "1", "RUFF_NO_CACHE": "true"}


def _reason(printed: str) -> str:
    """Return the line of an output that names the error: the first of npm's, otherwise the last."""
    lines: Sequence[str] = [line.strip() for line in printed.splitlines() if line.strip()]
    of_npm = [line for line in lines if line.startswith("npm error") and "npm error code" not in line]
    return (of_npm or lines[-1:] or ["it printed nothing"])[0]
