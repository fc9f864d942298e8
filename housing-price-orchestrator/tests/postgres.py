"""A Postgres of our own, from the programs of the system, on a Unix socket."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

SECONDS = 60


def find_programs() -> Path | None:
    """The folder of initdb and pg_ctl: on the path, or where Debian has it; the newest version."""
    on_path = shutil.which("initdb")
    found = [Path(on_path)] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].resolve().parent if found else None


class Postgres:
    """A running server; each test has a database of its own."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._numbers = count()

    def new_database(self) -> str:
        """The address of an empty database."""
        name = f"log{next(self._numbers)}"
        self.run("createdb", "--host", str(self._folder), "--username", "log", name)
        return f"postgresql://log@/{name}?host={self._folder}"

    def run(self, program: str, *arguments: str) -> None:
        # It refuses to run as root.
        user = "nobody" if os.geteuid() == 0 else None
        command = [str(self._programs / program), *arguments]
        with tempfile.TemporaryFile() as output:
            ended = subprocess.run(
                command, user=user, cwd=self._folder, stdout=output, stderr=output, timeout=SECONDS, check=False
            )
            output.seek(0)
            assert ended.returncode == 0, f"{program}: {output.read().decode(errors='replace')}"


@contextlib.contextmanager
def running_postgres(programs: Path) -> Iterator[Postgres]:
    """Start a server, and end it afterwards."""
    # A socket's path may have 107 characters, which those of pytest's folders exceed.
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody")
        postgres = Postgres(programs, folder)
        data = str(folder / "data")
        postgres.run("initdb", "--pgdata", data, "--username", "log", "--auth", "trust", "--no-sync")
        options = f"-c listen_addresses='' -c fsync=off -k {folder}"
        log = str(folder / "log")
        postgres.run("pg_ctl", "start", "--wait", "--pgdata", data, "--log", log, "--options", options)
        try:
            yield postgres
        finally:
            postgres.run("pg_ctl", "stop", "--wait", "--pgdata", data, "--mode", "immediate")
