"""Lots keep a count of their messages

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op


revision = "0004"
down_revision = "0003"
UNCOUNTED = sa.text("tally IS NULL")


def upgrade() -> None:
    """Apply; lots that are there already are counted by and by."""
    op.add_column("lots", sa.Column("tally", sa.JSON(none_as_null=True), nullable=True))
    op.create_index("ix_lots_uncounted", "lots", ["id"], postgresql_where=UNCOUNTED, sqlite_where=UNCOUNTED)


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_lots_uncounted", "lots")
    op.drop_column("lots", "tally")
