"""A private Postgres server, run from the system's programs, on a Unix socket."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

from benchmarks.processes import process_tree

SECONDS: Final = 60


def find_programs() -> Path | None:
    """Return the folder of initdb and pg_ctl: on the path, or the newest version of Debian's."""
    on_path = shutil.which("initdb")
    found = [Path(on_path)] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].resolve().parent if found else None


class Postgres:
    """A running server with any number of databases."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._numbers = count()

    def new_database(self) -> str:
        """Create an empty database and return its address."""
        name = f"log{next(self._numbers)}"
        self.run("createdb", "--host", str(self._folder), "--username", "log", name)
        return f"postgresql://log@/{name}?host={self._folder}"

    @property
    def socket(self) -> Path:
        """The Unix socket on which the server listens."""
        return self._folder / ".s.PGSQL.5432"

    def address_behind(self, port: int, address: str) -> str:
        """Return the address of a database behind a TCP port that forwards connections to the socket."""
        name = address.partition("@/")[2].partition("?")[0]
        return f"postgresql://log@127.0.0.1:{port}/{name}"

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all processes of the server with SIGSTOP inside this context."""
        pids = process_tree(int((self._folder / "data" / "postmaster.pid").read_text().split()[0]))
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def run(self, program: str, *arguments: str) -> None:
        """Run one of Postgres's programs.

        Raises:
            RuntimeError: it failed.
        """
        # It refuses to run as root.
        user = "nobody" if os.geteuid() == 0 else None
        command = [str(self._programs / program), *arguments]
        with tempfile.TemporaryFile() as output:
            ended = subprocess.run(  # noqa: S603 - Postgres's own programs
                command, user=user, cwd=self._folder, stdout=output, stderr=output, timeout=SECONDS, check=False
            )
            output.seek(0)
            if ended.returncode:
                raise RuntimeError(f"{program}: {output.read().decode(errors='replace')}")


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
