"""Finds out whether there is a container engine."""

import shutil
import subprocess


def reason_for_no_engine() -> str | None:
    if shutil.which("docker") is None:
        return "docker was not found"
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode:
            return f"`{' '.join(command)}` failed: {answer.stderr.strip()}"
    return None
