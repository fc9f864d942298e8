"""Stores actual sale prices and compares them with predictions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import batched, chain
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from housing_price_orchestrator.provider.store.tables import actual, has_segment, prediction, realised
from housing_price_orchestrator.shared.history import Actual, ActualsResult, LogCaller, RealisedError

ROWS_PER_STATEMENT: Final = 500
"""Rows per statement."""

type Key = tuple[str | None, int | None]
"""The subject of a sale price: a transaction id or a house id; the other is None."""

type _Report = tuple[float, date | None]

_REPORTS: Final = sa.select(
    actual.c.transaction_id, actual.c.house_id, actual.c.key_id, actual.c.sale_price_usd, actual.c.sold_on
)


def find_owners(connection: Connection, actuals: Sequence[Actual], caller: LogCaller) -> dict[Key, str | None]:
    """Return the owner (`key_id`) of the logged predictions that match a sale price, by transaction or house.

    Predictions of other callers do not match: a house id is always the caller's own.
    """
    table = prediction.c
    transaction_ids, house_ids = _keys_of(actuals)
    transactions = sa.select(table.transaction_id, table.key_id)
    if not caller.sees_all:
        transactions = transactions.where(table.key_id == caller.key_id)
    houses = sa.select(table.house_id, table.key_id).where(has_segment, table.key_id == caller.key_id)
    owners: dict[Key, str | None] = {}
    owners |= {(found, None): owner for found, owner in _matching(connection, transactions, transaction_ids)}
    owners |= {(None, found): owner for found, owner in _matching(connection, houses, house_ids)}
    return owners


def store_actuals(
    connection: Connection,
    actuals: Sequence[Actual],
    owners: Mapping[Key, str | None],
    caller: LogCaller,
    received_at: datetime,
) -> ActualsResult:
    """Store the sale prices whose key is in `owners` and that differ from the last report, in the open transaction.

    This transaction blocks other writers on SQLite, so `find_owners` searches the log before it begins.
    """
    transaction_ids, house_ids = _keys_of(actuals)
    by_transaction = _last_reports(connection, _REPORTS, actual.c.transaction_id, transaction_ids)
    own_houses = _REPORTS.where(actual.c.key_id == caller.key_id, actual.c.transaction_id.is_(None))
    by_house = _last_reports(connection, own_houses, actual.c.house_id, house_ids)
    last_reports = {
        key: report for key, owner, report in chain(by_transaction, by_house) if key in owners and owners[key] == owner
    }
    unknown: list[int] = []
    new: list[dict[str, Any]] = []
    for index, reported in enumerate(actuals):
        key: Key = (reported.transaction_id, reported.house_id)
        report: _Report = (reported.sale_price_usd, reported.sold_on)
        if key not in owners:
            unknown.append(index)
        elif last_reports.get(key) != report:
            last_reports[key] = report
            new.append(
                {
                    "transaction_id": reported.transaction_id,
                    "house_id": reported.house_id,
                    "sale_price_usd": reported.sale_price_usd,
                    "sold_on": reported.sold_on,
                    "received_at": received_at,
                    "key_id": owners[key],
                    "reported_by": None if owners[key] == caller.key_id else caller.key_id,
                }
            )
    for rows in batched(new, ROWS_PER_STATEMENT, strict=False):
        connection.execute(sa.insert(actual), rows)
    return ActualsResult(len(new), len(actuals) - len(new) - len(unknown), unknown)


def _keys_of(actuals: Sequence[Actual]) -> tuple[set[str], set[int]]:
    transaction_ids = {reported.transaction_id for reported in actuals if reported.transaction_id is not None}
    return transaction_ids, {reported.house_id for reported in actuals if reported.house_id is not None}


def _matching(
    connection: Connection, query: sa.Select[tuple[Any, str | None]], values: Iterable[Any]
) -> Iterator[tuple[Any, str | None]]:
    searched, _ = query.selected_columns
    for chunk in batched(values, ROWS_PER_STATEMENT, strict=False):
        yield from connection.execute(query.where(searched.in_(chunk)).distinct())


def _last_reports(
    connection: Connection, query: sa.Select[Any], column: sa.Column[Any], values: Iterable[Any]
) -> Iterator[tuple[Key, str | None, _Report]]:
    """Yield key, owner and content of the stored reports, oldest first."""
    for chunk in batched(values, ROWS_PER_STATEMENT, strict=False):
        for row in connection.execute(query.where(column.in_(chunk)).order_by(actual.c.id)):
            yield (row.transaction_id, row.house_id), row.key_id, (row.sale_price_usd, row.sold_on)


def realised_errors(connection: Connection, caller: LogCaller) -> list[RealisedError]:
    """Return the error of predictions against sale prices, by model version and month of sale."""
    view = realised.c
    difference = view.price_usd - view.sale_price_usd
    # The same measure as in training: the log of the price ratio (housing_price_model.fitting.evaluate).
    log_ratio = sa.func.ln(view.price_usd, type_=sa.Double) - sa.func.ln(view.sale_price_usd, type_=sa.Double)
    is_inside = sa.case(
        (sa.and_(view.low_usd <= view.sale_price_usd, view.sale_price_usd <= view.high_usd), 1.0), else_=0.0
    )
    groups = (view.model_name, view.model_version, view.month)
    statement = (
        sa.select(
            *groups,
            sa.func.count(),
            sa.func.avg(sa.func.abs(difference)),
            sa.func.avg(log_ratio * log_ratio),
            sa.func.avg(is_inside),
        )
        .group_by(*groups)
        .order_by(*groups)
    )
    if not caller.sees_all:
        statement = statement.where(view.key_id == caller.key_id)
    return [
        RealisedError(name, version, month, count, float(mae), float(mean_square) ** 0.5, float(coverage))
        for name, version, month, count, mae, mean_square, coverage in connection.execute(statement)
    ]
