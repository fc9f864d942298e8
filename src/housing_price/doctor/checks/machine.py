"""Checks of the machine: Python version, lock file, ports."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from housing_price.doctor.checks import Finding, Verdict
from housing_price.errors import StackError
from housing_price.processes.earlier_stack import describe_listener
from housing_price.processes.ports import is_free
from housing_price.stack.plan import Plan
from housing_price.stack.services import find_uv
from housing_price.stack.state import REPOSITORY

LOCK_CHECK_SECONDS: Final = 60


def check_python(_plan: Plan) -> Iterator[Finding]:
    """Check that this Python has the version in `.python-version`."""
    required = (REPOSITORY / ".python-version").read_text().strip()
    running = ".".join(map(str, sys.version_info[:3]))
    is_right = running == required or running.startswith(f"{required}.")
    fix = "" if is_right else f"run `uv sync --python {required}`"
    yield Finding("Python", Verdict.OK if is_right else Verdict.PROBLEM, f"{running}, required {required}", fix)


def check_lock(_plan: Plan) -> Iterator[Finding]:
    """Check that `uv.lock` matches the `pyproject.toml` files of the workspace."""
    subject = "uv.lock"
    try:
        result = subprocess.run(  # noqa: S603 - uv, with fixed arguments
            [find_uv(), "lock", "--check", "--project", str(REPOSITORY)],
            capture_output=True,
            text=True,
            timeout=LOCK_CHECK_SECONDS,
            check=False,
        )
    except (StackError, OSError, subprocess.TimeoutExpired) as error:
        yield Finding(subject, Verdict.NOTE, f"not checked: {error}", "run `uv lock --check`")
        return
    if result.returncode == 0:
        yield Finding(subject, Verdict.OK, "up to date")
    elif "needs to be updated" in result.stderr:
        yield Finding(subject, Verdict.PROBLEM, "does not match the pyproject.toml files", "run `uv lock && uv sync`")
    else:
        last_line = (result.stderr.strip().splitlines() or ["uv printed no reason"])[-1]
        yield Finding(subject, Verdict.NOTE, f"not checked: {last_line}", "run `uv lock --check`")


def check_ports(plan: Plan) -> Iterator[Finding]:
    """Check that each port is free, or used by the stack that runs on the same state folder."""
    holder = plan.state.read_holder() or {}
    for address in plan.addresses:
        subject = f"port {address.port}"
        if is_free(address.host, address.port):
            yield Finding(subject, Verdict.OK, f"free for the {address.service}")
        elif address.port in holder.get("ports", {}).values():
            yield Finding(subject, Verdict.OK, f"used by this stack (process {holder.get('pid')})")
        else:
            fix = f"stop the process that listens on it, or choose another port with {address.option}"
            yield Finding(
                subject,
                Verdict.PROBLEM,
                f"in use by {describe_listener(address.port) or 'another process'}; the {address.service} needs it",
                fix,
            )
