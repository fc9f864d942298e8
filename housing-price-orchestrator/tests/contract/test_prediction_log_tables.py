"""The tables are what `docs/prediction-log.md` tells their readers, and the migrations make them."""

import json
import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from factories import REPOSITORY
from housing_price_orchestrator.provider.store import tables
from housing_price_orchestrator.provider.store.database import ensure_columns_version, open_database, upgrade
from housing_price_orchestrator.settings import PredictionLogSettings
from housing_price_survey.columns import COLUMNS

DOCUMENT = (REPOSITORY / "docs" / "prediction-log.md").read_text(encoding="utf-8")
TYPES = {
    "text": sa.Text,
    "timestamp": sa.DateTime,
    "bigint": sa.BigInteger,
    "integer": sa.Integer,
    "double": sa.Double,
    "date": sa.Date,
}


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = open_database(sa.make_url(PredictionLogSettings(url=database_url).url), wait_seconds=5)
    upgrade(engine)
    yield engine
    engine.dispose()


def indexes_in(connection: sa.Connection) -> dict[str, dict[str | None, list[str | None]]]:
    """Table -> index -> columns."""
    inspector = sa.inspect(connection)
    return {
        table: {index["name"]: index["column_names"] for index in inspector.get_indexes(table)}
        for table in tables.metadata.tables
    }


def documented(table: str) -> dict[str, str]:
    """Column -> what the document says about its type."""
    (text,) = re.findall(rf"^\*\*`{table}`\*\*:.*?\n\n(\|.*?)\n\n", DOCUMENT, re.DOTALL | re.MULTILINE)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]
    return {name.strip("` "): kind for names, kind, *_ in rows for name in names.split(",")}


def test_the_migrations_make_the_tables_that_the_code_knows(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        # Alembic does not know that an index may be of one kind of database only.
        options = {"include_object": lambda _object, _name, kind, *_: kind != "index"}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), tables.metadata) == []
        migrated = indexes_in(connection)
        for view in (tables.realised, tables.prediction_segment):
            connection.exec_driver_sql(f"DROP VIEW {view.name}")
        tables.metadata.drop_all(connection)
        tables.metadata.create_all(connection)
        assert migrated == indexes_in(connection)


@pytest.mark.parametrize(
    "table",
    [tables.prediction, tables.shadow_prediction, tables.valuation, tables.prediction_columns, tables.actual],
    ids=lambda one: one.name,
)
def test_each_column_is_documented_with_its_type(table: sa.Table) -> None:
    rows = documented(table.name)
    assert list(rows) == [column.name for column in table.columns]
    for column in table.columns:
        kind = rows[column.name]
        assert isinstance(column.type, TYPES[kind.replace(",", " ").split()[0]]), column
        assert column.nullable is ("or null" in kind), column
        assert column.primary_key is ("primary key" in kind), column


def test_the_view_of_the_segments_has_the_documented_column(engine: sa.Engine) -> None:
    (column,) = sa.inspect(engine).get_columns("prediction_segment")
    assert f"**`prediction_segment`** is a view of all segments (its column is\n`{column['name']}`)" in DOCUMENT
    assert [column["name"]] == [column.name for column in tables.prediction_segment.columns]


def test_the_view_has_the_documented_columns(engine: sa.Engine) -> None:
    (sentence,) = re.findall(r"Its columns are (.*?)\(text", DOCUMENT, re.DOTALL)
    columns = [column["name"] for column in sa.inspect(engine).get_columns("realised")]
    assert columns == re.findall(r"`(\w+)`", sentence) == [column.name for column in tables.realised.columns]


def test_the_statements_of_the_document_run(engine: sa.Engine) -> None:
    statements = re.findall(r"```sql\n(.*?)```", DOCUMENT, re.DOTALL)
    assert len(statements) == 2
    with engine.connect() as connection:
        assert [connection.execute(sa.text(statement)).all() for statement in statements] == [[], []]


def test_the_same_columns_keep_their_version_and_others_get_the_next(engine: sa.Engine) -> None:
    assert [ensure_columns_version(engine, columns) for columns in (COLUMNS, COLUMNS, COLUMNS[::-1], COLUMNS)] == [
        1,
        1,
        2,
        1,
    ]
    with engine.connect() as connection:
        names = connection.scalar(sa.select(tables.prediction_columns.c.names).where(sa.literal_column("version") == 1))
    assert json.loads(str(names)) == list(COLUMNS)
