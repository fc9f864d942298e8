"""A Postgres of our own; the benchmarks use the same."""

from benchmarks.faults.databases.postgres import Postgres, find_programs, running_postgres

__all__ = ["Postgres", "find_programs", "running_postgres"]
