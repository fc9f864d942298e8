"""Keeps what houses were sold for, and compares it with what was predicted."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from itertools import batched
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from housing_price_orchestrator.provider.store.tables import actual, is_in_a_segment, prediction, realised
from housing_price_orchestrator.shared.history import Actual, ActualsTaken, RealisedError

ROWS_AT_A_TIME = 500
"""Rows that one statement asks about or writes."""

type Key = tuple[str | None, int | None]
"""What a sale price belongs to: the id of a transaction, or the number of a house."""

type _Told = tuple[float, date | None]


def logged_among(connection: Connection, actuals: Sequence[Actual]) -> set[Key]:
    """Tell which of these belong to a logged prediction, by their transaction or their house."""
    transactions, houses = sa.select(prediction.c.transaction_id), sa.select(prediction.c.house_id)
    told_transactions, told_houses = _keys_of(actuals)
    known = set[Key]()
    known |= {(one, None) for one in _known(connection, transactions, told_transactions)}
    known |= {(None, one) for one in _known(connection, houses.where(is_in_a_segment), told_houses)}
    return known


def keep_actuals(
    connection: Connection,
    actuals: Sequence[Actual],
    known: AbstractSet[Key],
    key_id: str | None,
    received_at: datetime,
) -> ActualsTaken:
    """Keep those that are `known` (`logged_among`) and say something new, in the running transaction.

    SQLite lets nobody else write meanwhile, so what has to be looked for in all of the log was looked for before.
    """
    told_transactions, told_houses = _keys_of(actuals)
    last_told: dict[Key, _Told] = {}
    for column, values in ((actual.c.transaction_id, told_transactions), (actual.c.house_id, told_houses)):
        last_told.update(_last_told(connection, column, values))
    unknown: list[int] = []
    new: list[dict[str, Any]] = []
    for place, one in enumerate(actuals):
        key: Key = (one.transaction_id, one.house_id)
        told: _Told = (one.sale_price_usd, one.sold_on)
        if key not in known:
            unknown.append(place)
        elif last_told.get(key) != told:
            last_told[key] = told
            new.append(
                {
                    "transaction_id": one.transaction_id,
                    "house_id": one.house_id,
                    "sale_price_usd": one.sale_price_usd,
                    "sold_on": one.sold_on,
                    "received_at": received_at,
                    "key_id": key_id,
                }
            )
    for rows in batched(new, ROWS_AT_A_TIME, strict=False):
        connection.execute(sa.insert(actual), rows)
    return ActualsTaken(len(new), len(actuals) - len(new) - len(unknown), unknown)


def _keys_of(actuals: Sequence[Actual]) -> tuple[set[str], set[int]]:
    transactions = {one.transaction_id for one in actuals if one.transaction_id is not None}
    return transactions, {one.house_id for one in actuals if one.house_id is not None}


def _known(connection: Connection, asked: sa.Select[tuple[Any]], values: Iterable[Any]) -> Iterator[Any]:
    (column,) = asked.selected_columns
    for some in batched(values, ROWS_AT_A_TIME, strict=False):
        yield from connection.scalars(asked.where(column.in_(some)).distinct())


def _last_told(connection: Connection, column: sa.Column[Any], values: Iterable[Any]) -> Iterator[tuple[Key, _Told]]:
    columns = (actual.c.transaction_id, actual.c.house_id, actual.c.sale_price_usd, actual.c.sold_on)
    for some in batched(values, ROWS_AT_A_TIME, strict=False):
        for row in connection.execute(sa.select(*columns).where(column.in_(some)).order_by(actual.c.id)):
            yield (row.transaction_id, row.house_id), (row.sale_price_usd, row.sold_on)


def realised_errors(connection: Connection) -> list[RealisedError]:
    """Compare predictions with actual prices, by model version and month of sale."""
    view = realised.c
    difference = view.price_usd - view.sale_price_usd
    # As the model's own figures are made: the logarithm of the ratio (housing_price_model.fitting.evaluate).
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
