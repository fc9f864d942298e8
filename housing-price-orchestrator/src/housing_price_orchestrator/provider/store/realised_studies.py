"""Ratio studies of predictions whose houses were sold, by model version."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from housing_price_orchestrator.provider.store.tables import prediction, prediction_columns, realised
from housing_price_orchestrator.shared.history import MAX_STUDIED_SALES, LogCaller, RealisedStudy
from housing_price_survey.ratio_study import ARMS_LENGTH, ratio_study

_SALE_CONDITION: Final = "SaleCondition"


@dataclass
class _Sales:
    """Prices and sale prices of one model version, in US dollars; and the positions of sales at arm's length."""

    prices: list[float] = field(default_factory=list)
    sale_prices: list[float] = field(default_factory=list)
    normal: list[int] = field(default_factory=list)


def realised_studies(connection: Connection, caller: LogCaller) -> list[RealisedStudy]:
    """Return the ratio study of each model version, over the latest sold houses.

    Medians and regressions need every sale, so the rows are read, at most `MAX_STUDIED_SALES`.
    """
    positions = {
        version: _position(json.loads(names)) for version, names in connection.execute(sa.select(prediction_columns))
    }
    found: dict[tuple[str, str], _Sales] = {}
    for name, version, price, sale_price, columns_version, inputs in connection.execute(_latest(caller)):
        sales = found.setdefault((name, version), _Sales())
        if _sale_condition(inputs, positions.get(columns_version)) == ARMS_LENGTH:
            sales.normal.append(len(sales.prices))
        sales.prices.append(price)
        sales.sale_prices.append(sale_price)
    return [_study(name, version, sales) for (name, version), sales in sorted(found.items())]


def _latest(caller: LogCaller) -> sa.Select[Any]:
    """Select the latest sold houses; transaction ids are in the order of time."""
    view = realised.c
    latest = sa.select(view.transaction_id, view.model_name, view.model_version, view.price_usd, view.sale_price_usd)
    if not caller.sees_all:
        latest = latest.where(view.key_id == caller.key_id)
    # The limit is applied before the join, so that only the inputs of these rows are read.
    sold = latest.order_by(view.transaction_id.desc()).limit(MAX_STUDIED_SALES).subquery()
    return sa.select(
        sold.c.model_name,
        sold.c.model_version,
        sold.c.price_usd,
        sold.c.sale_price_usd,
        prediction.c.columns_version,
        prediction.c.inputs,
    ).join_from(sold, prediction, sold.c.transaction_id == prediction.c.transaction_id)


def _position(names: Sequence[str]) -> int | None:
    return names.index(_SALE_CONDITION) if _SALE_CONDITION in names else None


def _sale_condition(inputs: str, position: int | None) -> object:
    return None if position is None else json.loads(inputs)[position]


def _study(name: str, version: str, sales: _Sales) -> RealisedStudy:
    normal = [(sales.prices[place], sales.sale_prices[place]) for place in sales.normal]
    return RealisedStudy(
        model_name=name,
        model_version=version,
        all_sales=ratio_study(sales.prices, sales.sale_prices),
        arms_length=ratio_study(*zip(*normal, strict=True)) if normal else None,
    )
