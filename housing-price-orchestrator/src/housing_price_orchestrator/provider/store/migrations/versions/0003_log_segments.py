"""SQLite: divides the prediction log into segments, each with its own range of the indexes by request and by house.

On Postgres the whole log is one segment; only the view `prediction_segment` is new, so that queries are the same.
"""

import sqlalchemy as sa
from alembic import op

from housing_price_orchestrator.provider.store.migrations import realised

revision = "0003"
down_revision = "0002"

LOST_ON_DOWNGRADE = "nothing"

_INDEXES = {"prediction_by_request": "request_id", "prediction_by_house": "house_id"}

# Costs one index lookup per segment and reads no rows.
_SEGMENTS = """
CREATE VIEW prediction_segment AS
WITH RECURSIVE found(segment) AS (
    SELECT MIN(segment) FROM prediction
    UNION ALL
    SELECT (SELECT MIN(p.segment) FROM prediction AS p WHERE p.segment > found.segment)
    FROM found WHERE segment IS NOT NULL
)
SELECT segment FROM found WHERE segment IS NOT NULL
"""


def upgrade() -> None:
    """Add the column `segment`, and put it first in the two indexes and the view; existing rows form one segment."""
    op.add_column("prediction", sa.Column("segment", sa.Integer, nullable=False, server_default="0"))
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE VIEW prediction_segment AS SELECT 0 AS segment")
        return
    op.execute("DROP VIEW realised")
    for name, column in _INDEXES.items():
        op.drop_index(name, "prediction")
        op.create_index(name, "prediction", ["segment", column])
    op.execute(_SEGMENTS)
    op.execute(realised.log_in_segments())


def downgrade() -> None:
    """Restore the indexes and the view, and drop the column."""
    op.execute("DROP VIEW prediction_segment")
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP VIEW realised")
        for name, column in _INDEXES.items():
            op.drop_index(name, "prediction")
            op.create_index(name, "prediction", [column])
        op.execute(realised.whole_log())
    op.drop_column("prediction", "segment")
