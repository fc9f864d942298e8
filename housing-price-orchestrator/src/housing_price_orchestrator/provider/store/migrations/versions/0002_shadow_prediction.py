"""The prices of the shadow model."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

LOST_ON_DOWNGRADE = "the prices of shadows"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "shadow_prediction",
        sa.Column("transaction_id", sa.Text, primary_key=True),
        sa.Column("shadowed_at", sa.DateTime, nullable=False),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("model_id", sa.Text, nullable=False),
        sa.Column("price_usd", sa.Double, nullable=False),
        sa.Column("low_usd", sa.Double, nullable=False),
        sa.Column("high_usd", sa.Double, nullable=False),
    )
    op.create_index("shadow_prediction_by_time", "shadow_prediction", ["shadowed_at"])
    op.create_index("shadow_prediction_by_version", "shadow_prediction", ["model_version", "shadowed_at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("shadow_prediction")
