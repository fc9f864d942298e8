"""A house id belongs to the caller that sent it: a sale price is joined only with predictions of the same caller.

The caller is the `key_id` of a row; null, without authentication, is one caller. The index by house therefore ends with
`key_id`, so that house ids that many callers use are found without reading the rows of the others.
"""

import sqlalchemy as sa
from alembic import context, op

from housing_price_orchestrator.provider.store.migrations import realised

revision = "0004"
down_revision = "0003"

LOST_ON_DOWNGRADE = (
    "which administrator reported a sale price for another caller, and which identity provider issued the token of a "
    "caller (`jwt:...`); sale prices by house id are joined with the predictions of all callers again"
)

_JWT = "jwt:"
_ISSUER = "_" * 12 + ":"


def upgrade() -> None:
    """Add the column `reported_by`, put the caller into the indexes and the view, and name the issuer of tokens."""
    op.add_column("actual", sa.Column("reported_by", sa.Text))
    op.execute("DROP VIEW realised")
    op.drop_index("prediction_by_house", "prediction")
    op.drop_index("actual_by_house", "actual")
    if caller_prefix := context.config.attributes.get("token_caller_prefix"):
        _rename_token_callers(f"{_JWT}%", caller_prefix, len(_JWT), but_not=f"{_JWT}{_ISSUER}%")
    _index_houses("house_id", "key_id")
    op.create_index("actual_by_owner", "actual", ["key_id", "transaction_id", "house_id"])
    op.create_index(
        "prediction_by_caller",
        "prediction",
        ["key_id", "predicted_at"],
        sqlite_where=sa.text("key_id IS NOT NULL"),
        postgresql_where=sa.text("key_id IS NOT NULL"),
    )
    op.execute(realised.by_owner(op.get_context().dialect.name))


def downgrade() -> None:
    """Restore the indexes and the view, and drop the column and the issuers."""
    op.execute("DROP VIEW realised")
    op.drop_index("prediction_by_caller", "prediction")
    op.drop_index("prediction_by_house", "prediction")
    op.drop_index("actual_by_owner", "actual")
    _rename_token_callers(f"{_JWT}{_ISSUER}%", _JWT, len(_JWT) + len(_ISSUER))
    _index_houses("house_id")
    op.create_index("actual_by_house", "actual", ["house_id"])
    op.drop_column("actual", "reported_by")
    is_sqlite = op.get_context().dialect.name == "sqlite"
    op.execute(realised.log_in_segments() if is_sqlite else realised.whole_log())


def _index_houses(*columns: str) -> None:
    is_sqlite = op.get_context().dialect.name == "sqlite"
    op.create_index("prediction_by_house", "prediction", ["segment", *columns] if is_sqlite else [*columns])


def _rename_token_callers(like: str, prefix: str, skipped_characters: int, but_not: str = "") -> None:
    """Replace the first characters of the callers that match a pattern by `prefix`."""
    for name in ("prediction", "actual"):
        table = sa.table(name, sa.column("key_id", sa.Text))
        matches = sa.and_(table.c.key_id.like(like), table.c.key_id.not_like(but_not))
        renamed = sa.literal(prefix) + sa.func.substr(table.c.key_id, skipped_characters + 1)
        op.execute(sa.update(table).where(matches).values(key_id=renamed))
