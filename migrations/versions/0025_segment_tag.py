"""Campaigns to those who have a tag

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Apply."""
    op.add_column("campaigns", sa.Column("segment_tag", sa.String(length=80), nullable=True))


def downgrade() -> None:
    """Take back. One to a tag would go to everybody: it is called off, or stands where it has begun."""
    op.execute("UPDATE campaigns SET state = 'cancelled' WHERE segment_tag IS NOT NULL AND state IN ('draft', 'scheduled')")
    op.drop_column("campaigns", "segment_tag")
