"""A client of the jobs database that submits and reads jobs, and runs none."""

from dbos import DBOSClient, DBOSPortableJSONSerializer
from sqlalchemy.engine import Engine

from housing_price_platform.jobs.refuse_pickle import refuse_pickle


def open_client(engine: Engine) -> DBOSClient:
    """Open a client that reads and writes JSON only; it creates the tables that are missing.

    The caller closes it with `destroy()` and the engine with `dispose()`.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: The database is unavailable. The next attempt needs a new client.
    """
    refuse_pickle()
    client = DBOSClient(
        system_database_engine=engine,
        serializer=DBOSPortableJSONSerializer(),
        lazy=True,
        retry_connection_errors=False,
    )
    # The first job may be submitted before the first worker starts. DBOSClient has no public API for migrations.
    client._sys_db.run_migrations()  # noqa: SLF001
    return client
