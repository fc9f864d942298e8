"""The type of database URLs: SQLite and PostgreSQL."""

import importlib.util
from typing import Annotated

from pydantic import AfterValidator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError


def _check_database_url(value: str) -> str:
    try:
        url = make_url(value)
    except ArgumentError:
        url = None
    backend = None if url is None else url.get_backend_name()
    is_in_memory = url is not None and url.database in {None, "", ":memory:"}
    if url is None or backend not in {"sqlite", "postgresql"} or (backend == "sqlite" and is_in_memory):
        raise ValueError("must be sqlite:///FILE, sqlite:////ABSOLUTE/FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
    if backend == "postgresql":
        if importlib.util.find_spec("psycopg") is None:
            raise ValueError("PostgreSQL needs the extra `postgres`: install housing-price-orchestrator[postgres]")
        url = url.set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


type DatabaseUrl = Annotated[str, AfterValidator(_check_database_url)]
