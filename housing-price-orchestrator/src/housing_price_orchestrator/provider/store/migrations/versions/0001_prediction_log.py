"""The prediction log: predictions, the names of their inputs, and actual prices."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_REALISED = """
CREATE VIEW realised AS
WITH current_actual AS (
    SELECT * FROM (
        SELECT a.*, ROW_NUMBER() OVER (PARTITION BY a.transaction_id, a.house_id ORDER BY a.id DESC) AS place
        FROM actual AS a
    ) AS numbered WHERE place = 1
),
matched AS (
    SELECT p.transaction_id, a.id AS actual_id, 0 AS distance
    FROM current_actual AS a JOIN prediction AS p ON p.transaction_id = a.transaction_id
    UNION ALL
    SELECT transaction_id, actual_id, 1 FROM (
        SELECT p.transaction_id, a.id AS actual_id,
               ROW_NUMBER() OVER (PARTITION BY a.id, p.model_id ORDER BY p.transaction_id DESC) AS place
        FROM current_actual AS a JOIN prediction AS p
          ON p.house_id = a.house_id AND p.predicted_at <= a.received_at
        WHERE a.transaction_id IS NULL
    ) AS latest WHERE place = 1
),
nearest AS (
    SELECT transaction_id, actual_id,
           ROW_NUMBER() OVER (PARTITION BY transaction_id ORDER BY distance, actual_id DESC) AS place
    FROM matched
)
SELECT p.transaction_id, p.model_name, p.model_version, p.model_id, p.predicted_at,
       p.price_usd, p.low_usd, p.high_usd, a.sale_price_usd,
       SUBSTR(COALESCE(CAST(a.sold_on AS TEXT), CAST(a.received_at AS TEXT)), 1, 7) AS month
FROM nearest
JOIN prediction AS p ON p.transaction_id = nearest.transaction_id
JOIN actual AS a ON a.id = nearest.actual_id
WHERE nearest.place = 1
"""


def upgrade() -> None:
    """Make the tables and the view."""
    row_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "prediction",
        sa.Column("transaction_id", sa.Text, primary_key=True),
        sa.Column("predicted_at", sa.DateTime, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text),
        sa.Column("house_id", sa.BigInteger, nullable=False),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("model_id", sa.Text, nullable=False),
        sa.Column("columns_version", sa.Integer, nullable=False),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.Column("price_usd", sa.Double, nullable=False),
        sa.Column("low_usd", sa.Double, nullable=False),
        sa.Column("high_usd", sa.Double, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("variant", sa.Text),
    )
    op.create_index("prediction_by_time", "prediction", ["predicted_at"])
    op.create_index("prediction_by_request", "prediction", ["request_id"])
    op.create_index("prediction_by_version", "prediction", ["model_version", "predicted_at"])
    op.create_index("prediction_by_house", "prediction", ["house_id"])
    op.create_table(
        "prediction_columns",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("names", sa.Text, nullable=False, unique=True),
    )
    op.create_table(
        "actual",
        sa.Column("id", row_number, sa.Identity(always=True), primary_key=True),
        sa.Column("transaction_id", sa.Text),
        sa.Column("house_id", sa.BigInteger),
        sa.Column("sale_price_usd", sa.Double, nullable=False),
        sa.Column("sold_on", sa.Date),
        sa.Column("received_at", sa.DateTime, nullable=False),
        sa.Column("key_id", sa.Text),
    )
    op.create_index("actual_by_transaction", "actual", ["transaction_id"])
    op.create_index("actual_by_house", "actual", ["house_id"])
    op.execute(_REALISED)


def downgrade() -> None:
    """Drop everything that `upgrade` made."""
    op.execute("DROP VIEW realised")
    for table in ("actual", "prediction_columns", "prediction"):
        op.drop_table(table)
