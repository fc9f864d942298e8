"""Stops DBOS from unpickling data of its database, so that write access to it does not allow running code."""

from typing import Any, NoReturn

from dbos import _serialization


class PickleRefused(Exception):
    """A row of the jobs database is marked as pickled; the API and the workers write JSON only."""


def refuse_pickle() -> None:
    """Make this process refuse pickled rows; call it before DBOS reads its first row.

    DBOS decodes each row in the format that the row's own column `serialization` names, whatever serializer is
    configured; a row marked `py_pickle` would run arbitrary code. DBOS has no setting against this, so the one class
    that unpickles is disabled. Only the job of such a row fails.
    """
    _serialization.DefaultSerializer.deserialize = _refuse  # type: ignore[assignment]  # replaces the method on purpose


def _refuse(*_: Any) -> NoReturn:
    raise PickleRefused("refused to unpickle a row of the jobs database")
