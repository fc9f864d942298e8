"""Keeps DBOS from unpickling: what stands in its database is data, whoever wrote it."""

from typing import Any, NoReturn

from dbos import _serialization


class PickleRefused(Exception):
    """A row of the database is marked as pickle; nobody of ours writes such rows."""


def refuse_pickle() -> None:
    """Have this process refuse rows that are pickled, before DBOS reads its first one.

    DBOS reads a row as the row itself says (its column `serialization`), whichever serializer it was given: `py_pickle`
    there would run what the row holds. There is no setting against that, so the one class that unpickles is disarmed; a
    test plants such rows. A job in such a row fails, and the others go on.
    """
    _serialization.DefaultSerializer.deserialize = _refuse  # type: ignore[assignment]  # the point of it


def _refuse(*_: Any) -> NoReturn:
    raise PickleRefused("a row of the jobs' database is pickled, which is not read here")
