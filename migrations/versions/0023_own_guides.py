"""Guides that the owner brings: one that stands on no page yet

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Apply."""
    op.add_column("guides", sa.Column("hidden", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Take back: every guide is shown."""
    op.drop_column("guides", "hidden")
