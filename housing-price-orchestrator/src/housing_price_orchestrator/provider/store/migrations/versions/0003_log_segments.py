"""SQLite: the prediction log in segments, each with its own stretch of the indexes by request and by house.

All of a log in Postgres is one segment, and nothing changes there but that it can be asked for in the same way.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_INDEXES = {"prediction_by_request": "request_id", "prediction_by_house": "house_id"}

# One look into an index for each segment, and none at the rows.
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

# SQLite takes the tables of a cross join in their order (sqlite.org/optoverview.html, "CROSS JOIN"). Left to itself, it
# reads all predictions to find those of a few houses, as it knows nothing of how many there are of what.
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
        FROM current_actual AS a {segments} {join} prediction AS p
          ON {in_segment} p.house_id = a.house_id AND p.predicted_at <= a.received_at
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
{join} prediction AS p ON p.transaction_id = nearest.transaction_id
{join} actual AS a ON a.id = nearest.actual_id
WHERE nearest.place = 1
"""


_SEGMENTED = {
    "segments": "CROSS JOIN prediction_segment AS s",
    "in_segment": "p.segment = s.segment AND",
    "join": "CROSS JOIN",
}
_WHOLE = {"segments": "", "in_segment": "", "join": "JOIN"}


def upgrade() -> None:
    """Add the column, and have the two indexes and the view begin with it; rows that are there are one segment."""
    op.add_column("prediction", sa.Column("segment", sa.Integer, nullable=False, server_default="0"))
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE VIEW prediction_segment AS SELECT 0 AS segment")
        return
    op.execute("DROP VIEW realised")
    for name, column in _INDEXES.items():
        op.drop_index(name, "prediction")
        op.create_index(name, "prediction", ["segment", column])
    op.execute(_SEGMENTS)
    op.execute(_REALISED.format_map(_SEGMENTED))


def downgrade() -> None:
    """Have everything as it was."""
    op.execute("DROP VIEW prediction_segment")
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP VIEW realised")
        for name, column in _INDEXES.items():
            op.drop_index(name, "prediction")
            op.create_index(name, "prediction", [column])
        op.execute(_REALISED.format_map(_WHOLE))
    op.drop_column("prediction", "segment")
