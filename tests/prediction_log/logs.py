"""A prediction log made with the orchestrator's own migrations, tables and columns."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Engine, make_url

from housing_price_model.serving.fast_scoring import DirectModel, Rows
from housing_price_orchestrator.provider.store.database import (
    ensure_columns_version,
    for_writing,
    open_database,
    upgrade,
)
from housing_price_orchestrator.provider.store.tables import actual, prediction, shadow_prediction
from housing_price_orchestrator.settings import PredictionLogSettings
from housing_price_survey.columns import COLUMNS

START = datetime(2026, 11, 1)  # noqa: DTZ001 - the log's times are UTC without a zone


def answers_of(model: DirectModel, cells: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Return the model's answers to rows of cells."""
    answers = model.predict(Rows(COLUMNS, cells)).to_dict("records")
    return cast("list[dict[str, Any]]", answers)  # pandas allows columns whose names are not text


class Log:
    """A log that tests write to; one row per minute from `START` on."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine: Engine = open_database(make_url(PredictionLogSettings(url=url).url), wait_seconds=10)
        upgrade(self.engine)
        self.rows = 0

    def write(
        self,
        rows: Sequence[Sequence[Any]],
        answers: Sequence[dict[str, Any]],
        *,
        columns: Sequence[str] = COLUMNS,
        version: str = "1",
        name: str = "housing-price",
        caller: str | None = None,
        house_ids: Sequence[int] = (),
    ) -> list[str]:
        """Log rows with the model's answers, for new houses or for `house_ids`; returns their transaction ids."""
        number = ensure_columns_version(self.engine, columns)
        ids = [f"{at:032x}" for at in range(self.rows, self.rows + len(rows))]
        values = [
            {
                "transaction_id": transaction_id,
                "predicted_at": START + timedelta(minutes=self.rows + at),
                "request_id": f"request-{transaction_id}",
                "key_id": caller,
                "house_id": house_ids[at] if house_ids else self.rows + at + 1,
                "model_name": name,
                "model_version": version,
                "model_id": answer["model_id"],
                "columns_version": number,
                "inputs": json.dumps(list(row)),
                "price_usd": answer["price"],
                "low_usd": answer["low"],
                "high_usd": answer["high"],
                "source": "model",
            }
            for at, (transaction_id, row, answer) in enumerate(zip(ids, rows, answers, strict=True))
        ]
        with for_writing(self.engine).begin() as connection:
            connection.execute(sa.insert(prediction), values)
        self.rows += len(rows)
        return ids

    def shadow(self, transaction_ids: Sequence[str], answers: Sequence[dict[str, Any]], *, version: str = "2") -> None:
        """Log a shadow's answers for the houses of these transactions."""
        values = [
            {
                "transaction_id": transaction_id,
                "shadowed_at": START,
                "model_name": "housing-price",
                "model_version": version,
                "model_id": answer["model_id"],
                "price_usd": answer["price"],
                "low_usd": answer["low"],
                "high_usd": answer["high"],
            }
            for transaction_id, answer in zip(transaction_ids, answers, strict=True)
        ]
        with for_writing(self.engine).begin() as connection:
            connection.execute(sa.insert(shadow_prediction), values)

    def sell(
        self, prices: Mapping[str, float] | Mapping[int, float], month: int = 12, caller: str | None = None
    ) -> None:
        """Record sale prices that a caller reported, by transaction id or by house id."""
        sold = datetime(2026, month, 15, tzinfo=UTC)
        values = [
            {
                "transaction_id": key if isinstance(key, str) else None,
                "house_id": key if isinstance(key, int) else None,
                "key_id": caller,
                "sale_price_usd": price,
                "sold_on": sold.date(),
                "received_at": sold.replace(tzinfo=None),
            }
            for key, price in prices.items()
        ]
        with for_writing(self.engine).begin() as connection:
            connection.execute(sa.insert(actual), values)

    def change(self, statement: str) -> None:
        """Run an SQL statement that the orchestrator would not."""
        with for_writing(self.engine).begin() as connection:
            connection.exec_driver_sql(statement)

    def close(self) -> None:
        """Close the file."""
        self.engine.dispose()


def new_log(folder: Path) -> Log:
    """Create an empty log."""
    return Log(f"sqlite:///{folder / 'predictions.db'}")
