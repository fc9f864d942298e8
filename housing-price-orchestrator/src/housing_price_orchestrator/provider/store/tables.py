"""The tables of the prediction log; `docs/prediction-log.md` documents them for readers.

Times are UTC without a zone; amounts are in US dollars. Each change needs a migration; a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    select,
    text,
)

metadata = MetaData()

_row_number = BigInteger().with_variant(Integer(), "sqlite")

prediction = Table(
    "prediction",
    metadata,
    Column("transaction_id", Text, primary_key=True),
    Column("predicted_at", DateTime, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("key_id", Text),
    Column("house_id", BigInteger, nullable=False),
    Column("model_name", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("model_id", Text, nullable=False),
    Column("columns_version", Integer, nullable=False),
    Column("inputs", Text, nullable=False),
    Column("price_usd", Double, nullable=False),
    Column("low_usd", Double, nullable=False),
    Column("high_usd", Double, nullable=False),
    Column("source", Text, nullable=False),
    Column("variant", Text),
    Column("segment", Integer, nullable=False, server_default="0"),
    Index("prediction_by_time", "predicted_at"),
    Index("prediction_by_version", "model_version", "predicted_at"),
    Index("prediction_by_request", "segment", "request_id").ddl_if(dialect="sqlite"),
    Index("prediction_by_house", "segment", "house_id", "key_id").ddl_if(dialect="sqlite"),
    Index("prediction_by_request", "request_id").ddl_if(dialect="postgresql"),
    Index("prediction_by_house", "house_id", "key_id").ddl_if(dialect="postgresql"),
    Index(
        "prediction_by_caller",
        "key_id",
        "predicted_at",
        sqlite_where=text("key_id IS NOT NULL"),
        postgresql_where=text("key_id IS NOT NULL"),
    ),
)
"""One row for each answered price. `key_id` is its owner: a house id means the house of this caller."""

prediction_segment = Table("prediction_segment", MetaData(), Column("segment", Integer))
"""A view: the existing segments. Queries by request or house search each segment."""

has_segment = prediction.c.segment.in_(select(prediction_segment.c.segment))
"""True for every prediction; makes queries by request or house use the segmented indexes."""

shadow_prediction = Table(
    "shadow_prediction",
    metadata,
    Column("transaction_id", Text, primary_key=True),
    Column("shadowed_at", DateTime, nullable=False),
    Column("model_name", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("model_id", Text, nullable=False),
    Column("price_usd", Double, nullable=False),
    Column("low_usd", Double, nullable=False),
    Column("high_usd", Double, nullable=False),
    Index("shadow_prediction_by_time", "shadowed_at"),
    Index("shadow_prediction_by_version", "model_version", "shadowed_at"),
)
"""One row for each price of the shadow model."""

valuation = Table(
    "valuation",
    metadata,
    Column("transaction_id", Text, primary_key=True),
    Column("valued_at", DateTime, nullable=False),
    Column("method", Text, nullable=False),
    Column("value_usd", Double, nullable=False),
    Column("low_usd", Double, nullable=False),
    Column("high_usd", Double, nullable=False),
    Column("confidence", Text),
    Column("parts", Text, nullable=False),
    Column("problems", Text, nullable=False),
    Column("comparables_name", Text),
    Column("comparables_version", Text),
    Column("comparables_id", Text),
    Column("sales", Text, nullable=False),
    Index("valuation_by_time", "valued_at"),
)
"""One row for each valuation. Its price, house, model and owner are in `prediction`, with the same transaction id."""

prediction_columns = Table(
    "prediction_columns",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("names", Text, nullable=False, unique=True),
)
"""The column names of the values in `prediction.inputs`, in order, for each `columns_version`."""

actual = Table(
    "actual",
    metadata,
    Column("id", _row_number, Identity(always=True), primary_key=True),
    Column("transaction_id", Text),
    Column("house_id", BigInteger),
    Column("sale_price_usd", Double, nullable=False),
    Column("sold_on", Date),
    Column("received_at", DateTime, nullable=False),
    Column("key_id", Text),
    Column("reported_by", Text),
    Index("actual_by_transaction", "transaction_id"),
    Index("actual_by_owner", "key_id", "transaction_id", "house_id"),
)
"""Sale prices; `key_id` is the owner of the predictions that they belong to. Append-only: the latest counts."""

realised = Table(
    "realised",
    MetaData(),
    Column("transaction_id", Text),
    Column("key_id", Text),
    Column("model_name", Text),
    Column("model_version", Text),
    Column("model_id", Text),
    Column("predicted_at", DateTime),
    Column("price_usd", Double),
    Column("low_usd", Double),
    Column("high_usd", Double),
    Column("sale_price_usd", Double),
    Column("month", Text),
)
"""A view: each prediction of a house that was sold, with the sale price."""
