"""The earlier address of a change that can be taken back

Revision ID: 0140
Revises: 0120
"""

import sqlalchemy as sa
from alembic import op

revision = "0140"
down_revision = "0120"


def upgrade() -> None:
    """Apply."""
    op.add_column("address_changes", sa.Column("earlier", sa.String(length=254), nullable=True))


def downgrade() -> None:
    """Take back: changes that are done stay so."""
    op.drop_column("address_changes", "earlier")
