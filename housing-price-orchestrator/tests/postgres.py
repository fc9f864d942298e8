"""The private Postgres server of the benchmarks, for tests."""

from benchmarks.faults.databases.postgres import Postgres, find_programs, running_postgres

__all__ = ["Postgres", "find_programs", "running_postgres"]
