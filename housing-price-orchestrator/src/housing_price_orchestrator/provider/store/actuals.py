"""Stores actual sale prices and compares them with predictions."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from itertools import batched
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from housing_price_orchestrator.provider.store.tables import actual, has_segment, prediction, realised
from housing_price_orchestrator.shared.history import Actual, ActualsResult, RealisedError

ROWS_PER_STATEMENT: Final = 500
"""Rows per statement."""

type Key = tuple[str | None, int | None]
"""The subject of a sale price: a transaction id or a house id; the other is None."""

type _Report = tuple[float, date | None]


def find_logged_keys(connection: Connection, actuals: Sequence[Actual]) -> set[Key]:
    """Return the keys of the sale prices that match a logged prediction, by transaction or house."""
    transactions, houses = sa.select(prediction.c.transaction_id), sa.select(prediction.c.house_id)
    transaction_ids, house_ids = _keys_of(actuals)
    keys = set[Key]()
    keys |= {(found, None) for found in _matching(connection, transactions, transaction_ids)}
    keys |= {(None, found) for found in _matching(connection, houses.where(has_segment), house_ids)}
    return keys


def store_actuals(
    connection: Connection,
    actuals: Sequence[Actual],
    logged: AbstractSet[Key],
    key_id: str | None,
    received_at: datetime,
) -> ActualsResult:
    """Store the sale prices whose key is in `logged` and that differ from the last report, in the open transaction.

    This transaction blocks other writers on SQLite, so `find_logged_keys` searches the log before it begins.
    """
    transaction_ids, house_ids = _keys_of(actuals)
    last_reports: dict[Key, _Report] = {}
    for column, values in ((actual.c.transaction_id, transaction_ids), (actual.c.house_id, house_ids)):
        last_reports.update(_last_reports(connection, column, values))
    unknown: list[int] = []
    new: list[dict[str, Any]] = []
    for index, reported in enumerate(actuals):
        key: Key = (reported.transaction_id, reported.house_id)
        report: _Report = (reported.sale_price_usd, reported.sold_on)
        if key not in logged:
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
                    "key_id": key_id,
                }
            )
    for rows in batched(new, ROWS_PER_STATEMENT, strict=False):
        connection.execute(sa.insert(actual), rows)
    return ActualsResult(len(new), len(actuals) - len(new) - len(unknown), unknown)


def _keys_of(actuals: Sequence[Actual]) -> tuple[set[str], set[int]]:
    transaction_ids = {reported.transaction_id for reported in actuals if reported.transaction_id is not None}
    return transaction_ids, {reported.house_id for reported in actuals if reported.house_id is not None}


def _matching(connection: Connection, query: sa.Select[tuple[Any]], values: Iterable[Any]) -> Iterator[Any]:
    (column,) = query.selected_columns
    for chunk in batched(values, ROWS_PER_STATEMENT, strict=False):
        yield from connection.scalars(query.where(column.in_(chunk)).distinct())


def _last_reports(
    connection: Connection, column: sa.Column[Any], values: Iterable[Any]
) -> Iterator[tuple[Key, _Report]]:
    columns = (actual.c.transaction_id, actual.c.house_id, actual.c.sale_price_usd, actual.c.sold_on)
    for chunk in batched(values, ROWS_PER_STATEMENT, strict=False):
        for row in connection.execute(sa.select(*columns).where(column.in_(chunk)).order_by(actual.c.id)):
            yield (row.transaction_id, row.house_id), (row.sale_price_usd, row.sold_on)


def realised_errors(connection: Connection) -> list[RealisedError]:
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
    return [
        RealisedError(name, version, month, count, float(mae), float(mean_square) ** 0.5, float(coverage))
        for name, version, month, count, mae, mean_square, coverage in connection.execute(statement)
    ]
