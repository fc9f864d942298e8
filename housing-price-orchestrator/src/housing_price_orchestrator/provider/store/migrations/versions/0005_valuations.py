"""Valuations: value, parts and comparable sales. The price of each is in `prediction`."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

LOST_ON_DOWNGRADE = "the valuations; their prices stay"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "valuation",
        sa.Column("transaction_id", sa.Text, primary_key=True),
        sa.Column("valued_at", sa.DateTime, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("value_usd", sa.Double, nullable=False),
        sa.Column("low_usd", sa.Double, nullable=False),
        sa.Column("high_usd", sa.Double, nullable=False),
        sa.Column("confidence", sa.Text),
        sa.Column("parts", sa.Text, nullable=False),
        sa.Column("problems", sa.Text, nullable=False),
        sa.Column("comparables_name", sa.Text),
        sa.Column("comparables_version", sa.Text),
        sa.Column("comparables_id", sa.Text),
        sa.Column("sales", sa.Text, nullable=False),
    )
    op.create_index("valuation_by_time", "valuation", ["valued_at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("valuation")
