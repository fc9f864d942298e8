"""The prediction log: predictions, the names of their inputs, and actual prices."""

import sqlalchemy as sa
from alembic import op

from housing_price_orchestrator.provider.store.migrations import realised

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables and the view."""
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
    op.execute(realised.whole_log())


def downgrade() -> None:
    """Drop the view and the tables."""
    op.execute("DROP VIEW realised")
    for table in ("actual", "prediction_columns", "prediction"):
        op.drop_table(table)
