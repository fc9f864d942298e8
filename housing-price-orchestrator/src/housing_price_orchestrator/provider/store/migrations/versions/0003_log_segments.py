"""The prediction log in segments, each with its own stretch of the indexes by request and by house."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_INDEXES = {"prediction_by_request": "request_id", "prediction_by_house": "house_id"}

_SEGMENTS = {
    # One look into the index for each, and none at the rows.
    "sqlite": """
CREATE VIEW prediction_segment AS
WITH RECURSIVE found(segment) AS (
    SELECT MIN(segment) FROM prediction
    UNION ALL
    SELECT (SELECT MIN(p.segment) FROM prediction AS p WHERE p.segment > found.segment)
    FROM found WHERE segment IS NOT NULL
)
SELECT segment FROM found WHERE segment IS NOT NULL
""",
    # All of a log in Postgres is one (`RowWriter`); said as a constant, it costs the planner nothing.
    "postgresql": "CREATE VIEW prediction_segment AS SELECT 0 AS segment",
}

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
        FROM current_actual AS a {and_segment} JOIN prediction AS p
          ON {of_segment} p.house_id = a.house_id AND p.predicted_at <= a.received_at
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
    """Add the column, and have the two indexes and the view begin with it; rows that are there are one segment."""
    op.execute("DROP VIEW realised")
    op.add_column("prediction", sa.Column("segment", sa.Integer, nullable=False, server_default="0"))
    for name, column in _INDEXES.items():
        op.drop_index(name, "prediction")
        op.create_index(name, "prediction", ["segment", column])
    op.execute(_SEGMENTS[op.get_context().dialect.name])
    op.execute(
        _REALISED.format(and_segment="CROSS JOIN prediction_segment AS s", of_segment="p.segment = s.segment AND")
    )


def downgrade() -> None:
    """Have the indexes and the view as they were, and drop the column."""
    op.execute("DROP VIEW realised")
    op.execute("DROP VIEW prediction_segment")
    for name, column in _INDEXES.items():
        op.drop_index(name, "prediction")
        op.create_index(name, "prediction", [column])
    op.drop_column("prediction", "segment")
    op.execute(_REALISED.format(and_segment="", of_segment=""))
