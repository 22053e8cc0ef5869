"""Changes of address, and since when somebody has their present one

Revision ID: 0081b
Revises: 0091
"""

import sqlalchemy as sa
from alembic import op

revision = "0081b"
down_revision = "0091"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.add_column("subscribers", sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "address_changes",
        sa.Column("id", ID, nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("to_id", ID, nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.String(length=1000), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_address_changes_subscriber_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["to_id"], ["subscribers.id"], name="fk_address_changes_to_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_address_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_address_changes_subscriber_id", "address_changes", ["subscriber_id"])
    op.create_index("ix_address_changes_to_id", "address_changes", ["to_id"])


def downgrade() -> None:
    """Take back: everybody keeps the address they have, and what waits for its press is over."""
    op.drop_table("address_changes")
    op.drop_column("subscribers", "moved_at")
