"""What a guide's mail says and asks, and the owner's booking link

Revision ID: 0020
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0012"


def upgrade() -> None:
    """Apply."""
    op.add_column("guides", sa.Column("begin", sa.String(length=200), nullable=False, server_default=""))
    op.add_column("guides", sa.Column("begin_page", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("guides", sa.Column("question", sa.String(length=300), nullable=False, server_default=""))
    op.add_column("brand", sa.Column("booking", sa.String(length=300), nullable=False, server_default=""))


def downgrade() -> None:
    """Take back: these words are lost."""
    op.drop_column("brand", "booking")
    for name in ("question", "begin_page", "begin"):
        op.drop_column("guides", name)
