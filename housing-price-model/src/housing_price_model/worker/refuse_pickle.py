"""Prevents DBOS from unpickling rows of its database, which would run code stored there."""

from typing import Any, NoReturn

from dbos import _serialization


class PickleRefusedError(Exception):
    """A row of the database is marked as pickle; API and workers only write JSON."""


def read_json_only() -> None:
    """Make this process reject pickled rows; call it before DBOS reads the first one.

    DBOS chooses the deserializer by the row's column `serialization`, whichever serializer is configured. A row marked
    `py_pickle` would be unpickled and could run code. DBOS has no setting against this, so the only class that
    unpickles is patched; a test inserts such a row. The job of a pickled row fails; other jobs are unaffected.
    """
    _serialization.DefaultSerializer.deserialize = _refuse  # type: ignore[assignment]  # the patch replaces a method


def _refuse(*_: Any) -> NoReturn:
    raise PickleRefusedError("a row of the jobs database is pickled; only JSON is accepted")
