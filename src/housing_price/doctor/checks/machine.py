"""Checks of the machine: Python, the lock file, the ports."""

import subprocess
import sys
from collections.abc import Iterator

from housing_price.doctor.checks import Finding, Verdict
from housing_price.errors import StackError
from housing_price.stack.ports import is_free
from housing_price.stack.services import Plan, find_uv
from housing_price.stack.state import REPOSITORY

LOCK_CHECK_SECONDS = 60


def check_python(_plan: Plan) -> Iterator[Finding]:
    """The Python that runs us is the one that the project is locked for."""
    wanted = (REPOSITORY / ".python-version").read_text().strip()
    running = ".".join(map(str, sys.version_info[:3]))
    fits = running == wanted or running.startswith(f"{wanted}.")
    advice = "" if fits else f"run `uv sync --python {wanted}`"
    yield Finding("Python", Verdict.GOOD if fits else Verdict.WRONG, f"{running}, wanted {wanted}", advice)


def check_lock(_plan: Plan) -> Iterator[Finding]:
    """`uv.lock` says what the packages' `pyproject.toml` files ask for."""
    what = "uv.lock"
    try:
        result = subprocess.run(  # noqa: S603 - uv, with arguments of our own
            [find_uv(), "lock", "--check", "--project", str(REPOSITORY)],
            capture_output=True,
            text=True,
            timeout=LOCK_CHECK_SECONDS,
            check=False,
        )
    except (StackError, OSError, subprocess.TimeoutExpired) as error:
        yield Finding(what, Verdict.NOTE, f"not checked: {error}", "run `uv lock --check`")
        return
    if result.returncode == 0:
        yield Finding(what, Verdict.GOOD, "up to date")
    elif "needs to be updated" in result.stderr:
        yield Finding(what, Verdict.WRONG, "does not fit the pyproject.toml files", "run `uv lock && uv sync`")
    else:
        last_line = (result.stderr.strip().splitlines() or ["uv said nothing"])[-1]
        yield Finding(what, Verdict.NOTE, f"not checked: {last_line}", "run `uv lock --check`")


def check_ports(plan: Plan) -> Iterator[Finding]:
    """Each port is free, or held by the stack that runs on the same state folder."""
    holder = plan.state.read_holder() or {}
    for address in plan.addresses:
        what = f"port {address.port}"
        if is_free(address.host, address.port):
            yield Finding(what, Verdict.GOOD, f"free for the {address.wanted_by}")
        elif address.port in holder.get("ports", {}).values():
            yield Finding(what, Verdict.GOOD, f"held by our own stack (process {holder.get('pid')})")
        else:
            advice = f"end what listens there, or start with {address.option}"
            yield Finding(what, Verdict.WRONG, f"taken; the {address.wanted_by} wants it", advice)
