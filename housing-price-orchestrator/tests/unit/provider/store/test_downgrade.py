"""Every migration can be undone, on both databases, without losing what the earlier tables can hold."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from housing_price_orchestrator.provider.store.database import downgrade, for_writing, open_database, upgrade
from housing_price_orchestrator.provider.store.migrations.revisions import (
    RevisionUnknown,
    RevisionUnreachable,
    check_revision,
    migration_config,
)
from housing_price_orchestrator.provider.store.tables import metadata
from housing_price_orchestrator.settings import PredictionLogSettings

REVISIONS = [script.revision for script in ScriptDirectory.from_config(migration_config()).walk_revisions()][::-1]
HEAD = REVISIONS[-1]
ANN = "jwt:0123456789ab:ann"


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = open_database(sa.make_url(PredictionLogSettings(url=database_url).url), wait_seconds=5, connections=2)
    yield engine
    engine.dispose()


def revision_of(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        return check_revision(connection)


def schema_of(engine: sa.Engine) -> dict[str, Any]:
    """Columns and indexes of all tables, and columns of all views."""
    inspector = sa.inspect(engine)
    described: dict[str, Any] = {}
    for name in (*inspector.get_table_names(), *inspector.get_view_names()):
        described[name] = [(column["name"], str(column["type"])) for column in inspector.get_columns(name)]
        # An index on which only one database has a condition is compared by its columns.
        described[f"indexes of {name}"] = sorted(
            (str(index["name"]), index["column_names"]) for index in inspector.get_indexes(name)
        )
    return described


def content_of(engine: sa.Engine) -> dict[str, list[dict[str, Any]]]:
    """The rows of all tables and views, as documents."""
    inspector = sa.inspect(engine)
    found = {}
    with engine.connect() as connection:
        for name in (*inspector.get_table_names(), *inspector.get_view_names()):
            rows = connection.execute(sa.select(sa.text("*")).select_from(sa.table(name))).mappings()
            found[name] = sorted((dict(row) for row in rows), key=str)
    return found


def fill(engine: sa.Engine) -> None:
    """Write two rows of each kind into the tables of the latest revision."""
    at = datetime(2026, 11, 1)  # noqa: DTZ001 - the log's times are UTC without a zone
    values: dict[str, Any] = {
        "Text": ANN,
        "DateTime": at,
        "Date": at.date(),
        "BigInteger": 2**63 - 1,
        "Integer": 1,
        "Double": 1e9 / 3,
    }
    with for_writing(engine).begin() as connection:
        for table in metadata.sorted_tables:
            columns = [column for column in table.columns if column.identity is None]
            row = {column.name: values[type(column.type).__name__] for column in columns}
            empty = {column.name: None for column in columns if column.nullable}
            other = {column.name: 2 if column.name == "version" else "b" * 32 for column in table.primary_key}
            names = {column.name: f"other {column.name}" for column in columns if column.unique}
            other = {} if table.name == "actual" else other
            connection.execute(sa.insert(table).values(row))
            connection.execute(sa.insert(table).values(row | empty | other | names))


def without_new_columns(new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    return {
        name: sorted(({key: row[key] for key in rows[0]} for row in new[name]), key=str)
        for name, rows in old.items()
        if rows
    }


def test_every_revision_says_what_undoing_it_loses() -> None:
    for script in ScriptDirectory.from_config(migration_config()).walk_revisions():
        if script.down_revision is not None:
            assert script.module.LOST_ON_DOWNGRADE


@pytest.mark.parametrize("revision", REVISIONS)
def test_downgraded_tables_are_those_of_the_earlier_release(
    engine: sa.Engine, request: pytest.FixtureRequest, revision: str
) -> None:
    upgrade(engine, revision)
    expected = schema_of(engine)
    upgrade(engine)
    latest = schema_of(engine)
    steps = downgrade(engine, revision)
    assert [step.down_revision for step in steps] == REVISIONS[REVISIONS.index(revision) : -1][::-1]
    assert revision_of(engine) == revision
    assert schema_of(engine) == expected
    upgrade(engine)
    assert schema_of(engine) == latest


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_rows_survive_a_downgrade_and_another_upgrade(engine: sa.Engine, revision: str) -> None:
    upgrade(engine)
    fill(engine)
    before = content_of(engine)
    downgrade(engine, revision)
    kept = content_of(engine)
    for name in ("prediction", "actual", "prediction_columns", "shadow_prediction"):
        if name in kept:
            assert len(kept[name]) == len(before[name]) == 2, name
    expected = without_new_columns(before, kept)
    if revision < "0004":
        # Documented: the issuer of a token.
        for row in (*expected["prediction"], *expected["actual"], *expected.get("realised", ())):
            if row.get("key_id"):
                row["key_id"] = "jwt:ann"
    del expected["alembic_version"], kept["alembic_version"]
    assert {name: kept[name] for name in expected} == expected
    upgrade(engine, token_caller_prefix=ANN.removesuffix("ann"))
    after = content_of(engine)
    assert len(after["realised"]) == len(before["realised"])
    assert {row["key_id"] for row in after["prediction"]} == {row["key_id"] for row in before["prediction"]}


def test_one_step_back_is_the_default_and_a_dry_run_changes_nothing(engine: sa.Engine) -> None:
    upgrade(engine)
    for is_dry_run in (True, False):
        (step,) = downgrade(engine, is_dry_run=is_dry_run)
        assert (step.revision, step.down_revision) == (HEAD, REVISIONS[-2])
        assert revision_of(engine) == (HEAD if is_dry_run else REVISIONS[-2])


@pytest.mark.parametrize("target", ["base", "0000", "9999", "", "%", "0004; DROP TABLE actual"])
def test_another_target_is_refused(engine: sa.Engine, target: str) -> None:
    upgrade(engine, "0003")
    with pytest.raises(RevisionUnreachable, match="it has revision 0003; earlier revisions: 0002, 0001"):
        downgrade(engine, target)
    assert revision_of(engine) == "0003"


def test_the_first_revision_cannot_be_undone(engine: sa.Engine) -> None:
    with pytest.raises(RevisionUnreachable, match="no tables yet"):
        downgrade(engine)
    upgrade(engine, "0001")
    with pytest.raises(RevisionUnreachable, match="it has revision 0001; earlier revisions: none"):
        downgrade(engine)


def test_tables_of_a_later_release_are_refused_and_stay_unchanged(engine: sa.Engine) -> None:
    upgrade(engine)
    with for_writing(engine).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    before = content_of(engine)
    for attempt in (upgrade, downgrade):
        with pytest.raises(RevisionUnknown, match=f"revision 9999.*{HEAD}.*database downgrade --to {HEAD}"):
            attempt(engine)
    assert content_of(engine) == before
