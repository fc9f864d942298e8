"""Versions of the view `realised`, which several migrations create.

A released version must never change; add a new one instead.
"""

from typing import Final

_REALISED: Final = """
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
        FROM current_actual AS a {segments}{join} prediction AS p
          ON {in_segment}p.house_id = a.house_id AND p.predicted_at <= a.received_at
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

_REALISED_BY_OWNER: Final = """
CREATE VIEW realised AS
WITH current_actual AS NOT MATERIALIZED (
    SELECT * FROM (
        SELECT a.*, ROW_NUMBER() OVER (PARTITION BY a.key_id, a.transaction_id, a.house_id ORDER BY a.id DESC) AS place
        FROM actual AS a
    ) AS numbered WHERE place = 1
),
matched AS (
    SELECT a.key_id, p.transaction_id, a.id AS actual_id, 0 AS distance
    FROM current_actual AS a {join} prediction AS p ON p.transaction_id = a.transaction_id AND {same_owner}
    UNION ALL
    SELECT key_id, transaction_id, actual_id, 1 FROM (
        SELECT a.key_id, p.transaction_id, a.id AS actual_id,
               ROW_NUMBER() OVER (PARTITION BY a.key_id, a.id, p.model_id ORDER BY p.transaction_id DESC) AS place
        FROM current_actual AS a {segments}{join} prediction AS p
          ON {in_segment}p.house_id = a.house_id AND {same_owner} AND p.predicted_at <= a.received_at
        WHERE a.transaction_id IS NULL
    ) AS latest WHERE place = 1
),
nearest AS (
    SELECT key_id, transaction_id, actual_id,
           ROW_NUMBER() OVER (PARTITION BY key_id, transaction_id ORDER BY distance, actual_id DESC) AS place
    FROM matched
)
SELECT p.transaction_id, nearest.key_id, p.model_name, p.model_version, p.model_id, p.predicted_at,
       p.price_usd, p.low_usd, p.high_usd, a.sale_price_usd,
       {month} AS month
FROM nearest
{join} prediction AS p ON p.transaction_id = nearest.transaction_id
{join} actual AS a ON a.id = nearest.actual_id
WHERE nearest.place = 1
"""


def whole_log() -> str:
    """Return the view for a log with one index by house."""
    return _REALISED.format(segments="", in_segment="", join="JOIN")


def log_in_segments() -> str:
    """Return the view for SQLite, which searches each segment for a house.

    SQLite joins the tables of a CROSS JOIN in the written order (sqlite.org/optoverview.html, "CROSS JOIN"). With a
    plain JOIN and no statistics, it scans all predictions to find those of a few houses.
    """
    segments = "CROSS JOIN prediction_segment AS s "
    return _REALISED.format(segments=segments, in_segment="p.segment = s.segment AND ", join="CROSS JOIN")


def by_owner(dialect: str) -> str:
    """Return the view that joins a sale price only with predictions of the same caller (`key_id`; null is one caller).

    Every window begins with the caller, and no common table expression is materialised: so both databases apply a
    condition on `key_id` first, and the view of one caller costs what its own sales cost. In Postgres, an index can be
    used for each half of an OR, but not for IS NOT DISTINCT FROM.
    """
    if dialect == "postgresql":
        return _REALISED_BY_OWNER.format(
            segments="",
            in_segment="",
            join="JOIN",
            same_owner="(p.key_id = a.key_id OR (p.key_id IS NULL AND a.key_id IS NULL))",
            month="TO_CHAR(COALESCE(a.sold_on, a.received_at), 'YYYY-MM')",
        )
    return _REALISED_BY_OWNER.format(
        segments="CROSS JOIN prediction_segment AS s ",
        in_segment="p.segment = s.segment AND ",
        join="CROSS JOIN",
        same_owner="p.key_id IS a.key_id",
        month="SUBSTR(COALESCE(CAST(a.sold_on AS TEXT), CAST(a.received_at AS TEXT)), 1, 7)",
    )
