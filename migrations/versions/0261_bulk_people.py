"""Who was shown when an erasing was asked for

Revision ID: 0261
Revises: 0250
"""

import sqlalchemy as sa
from alembic import op

revision = "0261"
down_revision = "0250"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply. An erasing that was under way ends here: nobody knows any more whom its owner saw."""
    _begin()
    op.create_table(
        "bulk_people",
        sa.Column("action_id", ID, nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["action_id"], ["bulk_actions.id"], name="fk_bulk_people_action_id",
                                ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscribers.id"], name="fk_bulk_people_subscriber_id",
                                ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("action_id", "subscriber_id", name="pk_bulk_people"),
    )  # fmt: skip
    op.create_index("ix_bulk_people_subscriber_id", "bulk_people", ["subscriber_id"])


def downgrade() -> None:
    """Take back. An erasing that was under way ends: the version before would erase whoever fits its filter."""
    _begin()
    op.drop_table("bulk_people")


def _begin() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "UPDATE bulk_actions SET state = CASE WHEN looked_at = 0 THEN 'called-off' ELSE 'done' END,"
        " finished_at = starts_at, asked = ''"
        " WHERE kind = 'erase' AND state IN ('waiting', 'running', 'stopped')"
    )
