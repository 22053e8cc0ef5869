"""Which copy of the product a database belongs to, and whether it may send

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op


revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Apply; the next start writes down where it lives."""
    table = op.create_table(
        "installation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("home", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("witness", sa.String(length=32), nullable=False),
        sa.Column("witnessed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locked_above", sa.BigInteger(), nullable=False),
        sa.Column("lock_reason", sa.String(length=16), nullable=True),
        sa.Column("stands_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_one_row")),
        sa.CheckConstraint(
            "lock_reason IN ('restored', 'copied', 'swapped')", name=op.f("ck_installation_lock_reason")
        ),
        sa.CheckConstraint(
            "(locked_at IS NULL) = (lock_reason IS NULL)", name=op.f("ck_installation_locked_for_a_reason")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.bulk_insert(table, [{"id": 1, "witness": "", "locked_above": 0}])


def downgrade() -> None:
    """Take back."""
    op.drop_table("installation")
