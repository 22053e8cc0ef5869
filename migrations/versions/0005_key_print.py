"""The brand knows which key its links are signed with

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op


revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply; the next start writes it down."""
    op.add_column("brand", sa.Column("key_print", sa.String(length=32), nullable=False, server_default=""))


def downgrade() -> None:
    """Take back."""
    op.drop_column("brand", "key_print")
