"""Scenarios with silent, locked and full databases."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.faults.databases.database_calls import ORDER, REPORT, UPLOAD
from benchmarks.faults.databases.outage import Outage, run_outage
from benchmarks.faults.databases.postgres import find_programs, running_postgres
from benchmarks.faults.databases.silent_proxy import SilentProxy
from benchmarks.faults.databases.small_disk import can_mount, small_disk
from benchmarks.faults.databases.sqlite_lock import exclusive_lock
from benchmarks.faults.testbed import Testbed

DISK_MEBIBYTES: Final = 24
NO_SPACE: Final = 507


def silent_databases(testbed: Testbed) -> None:
    """Postgres behind a proxy that goes silent on all connections for 20 s, for jobs and prediction log."""
    programs = find_programs()
    if programs is None:
        raise FileNotFoundError("Postgres was not found")
    folder = _new_folder(testbed)
    postgres = testbed.enter_context(running_postgres(programs))
    proxy = testbed.enter_context(SilentProxy(postgres.socket))

    @contextlib.contextmanager
    def silence() -> Iterator[None]:
        proxy.go_silent()
        try:
            yield
        finally:
            proxy.resume()

    jobs, log = (postgres.address_behind(proxy.port, postgres.new_database()) for _ in range(2))
    variables = _variables(jobs=jobs, folder=folder, log=log)
    run_outage(testbed, Outage(variables, silence, is_refused=lambda _: True))


def locked_job_store(testbed: Testbed) -> None:
    """Another process holds an exclusive lock on the SQLite job store for 20 s."""
    folder = _new_folder(testbed)
    store = folder / "jobs.db"
    variables = _variables(jobs=f"sqlite:///{store}", folder=folder / "files", log=f"sqlite:///{folder}/log.db")
    outage = Outage(
        variables,
        lambda: exclusive_lock(store),
        # With a write-ahead log, readers do not wait for the lock.
        is_refused=lambda operation: operation.store == "jobs" and operation.writes,
        log_is_away=False,
    )
    run_outage(testbed, outage)


def full_disks(testbed: Testbed) -> None:
    """The disk of the prediction log, the job store and the job files is full for 20 s."""
    disk = testbed.enter_context(small_disk(DISK_MEBIBYTES))

    @contextlib.contextmanager
    def full() -> Iterator[None]:
        disk.fill()
        try:
            yield
        finally:
            disk.free()

    outage = Outage(
        _variables(
            jobs=f"sqlite:///{disk.folder / 'jobs.db'}",
            folder=disk.folder / "files",
            log=f"sqlite:///{disk.folder / 'log.db'}",
        ),
        full,
        is_refused=lambda operation: operation.name == UPLOAD,
        refusal=NO_SPACE,
        # These rows may fit into space that the databases have already taken.
        unjudged={REPORT, ORDER},
    )
    run_outage(testbed, outage)


def _new_folder(testbed: Testbed) -> Path:
    return Path(testbed.enter_context(TemporaryDirectory(prefix="housing-price-jobs-")))


def has_postgres() -> bool:
    """Return whether Postgres is installed."""
    return find_programs() is not None


def has_small_disk() -> bool:
    """Return whether a tmpfs can be mounted."""
    return can_mount()


def _variables(*, jobs: str, folder: Path, log: str) -> dict[str, str]:
    return {
        "ORCHESTRATOR_JOBS__DATABASE_URL": jobs,
        "ORCHESTRATOR_JOBS__FOLDER": str(folder),
        "ORCHESTRATOR_PREDICTION_LOG__URL": log,
    }
