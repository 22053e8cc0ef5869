"""Whose tags were changed together, so that it can be taken back exactly

Revision ID: 0262
Revises: 0261
"""

import sqlalchemy as sa
from alembic import op

revision = "0262"
down_revision = "0261"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "tag_changes",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("owner_id", ID, nullable=True),
        sa.Column("tag", sa.String(length=80), nullable=False),
        sa.Column("gives", sa.Boolean(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("undone_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["owners.id"], name="fk_tag_changes_owner_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_tag_changes"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "tag_change_people",
        sa.Column("change_id", ID, nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["change_id"], ["tag_changes.id"], name="fk_tag_change_people_change_id",
                                ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscribers.id"], name="fk_tag_change_people_subscriber_id",
                                ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("change_id", "subscriber_id", name="pk_tag_change_people"),
    )  # fmt: skip
    op.create_index("ix_tag_change_people_subscriber_id", "tag_change_people", ["subscriber_id"])


def downgrade() -> None:
    """Take back: the tags stay as they are, and can be changed by hand only."""
    op.drop_table("tag_change_people")
    op.drop_table("tag_changes")
