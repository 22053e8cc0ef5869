"""Messages are found by their dispatch's lots: no index of their own (docs/decisions)

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op


revision = "0006"
down_revision = "0005"
BULK = sa.text("dispatch_id IS NOT NULL")


def upgrade() -> None:
    """Apply."""
    op.drop_index("ix_messages_dispatch", "messages")


def downgrade() -> None:
    """Take back."""
    columns = ["dispatch_id", "id"]
    op.create_index("ix_messages_dispatch", "messages", columns, postgresql_where=BULK, sqlite_where=BULK)
