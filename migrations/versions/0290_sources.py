"""Where an article was brought over from

Revision ID: 0290
Revises: 0282
"""

import sqlalchemy as sa
from alembic import op

revision = "0290"
down_revision = "0282"


def upgrade() -> None:
    """Apply."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")  # mails are built from this table: better to stop than to hold them
    op.add_column("articles", sa.Column("source_url", sa.String(length=2000), nullable=False, server_default=""))


def downgrade() -> None:
    """Take back: where articles came from is not known any more."""
    op.drop_column("articles", "source_url")
