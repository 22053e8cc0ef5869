"""Links that are fetched, and what was found there

Revision ID: 0377
Revises: 0376
"""

import sqlalchemy as sa
from alembic import op

revision = "0377"
down_revision = "0376"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply. Nothing has been fetched."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "checked_links",
        sa.Column("id", ID, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("used_at", MOMENT, nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("looked_at", MOMENT, nullable=True),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("found_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_checked_links"),
        sa.UniqueConstraint("fingerprint", name="uq_checked_links_fingerprint"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("checked_links")
