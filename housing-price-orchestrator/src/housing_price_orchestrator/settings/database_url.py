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
    supported = url is not None and url.get_backend_name() in {"sqlite", "postgresql"}
    if url is None or not supported or (url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}):
        raise ValueError("must be sqlite:///FILE, sqlite:////ABSOLUTE/FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
    if backend == "postgresql":
        if importlib.util.find_spec("psycopg") is None:
            raise ValueError("PostgreSQL needs the extra `postgres`: install housing-price-orchestrator[postgres]")
        url = url.set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


type DatabaseUrl = Annotated[str, AfterValidator(_check_database_url)]
