"""Links below the site's pages to where else readers find the owner

Revision ID: 0370
Revises: 0365
"""

import sqlalchemy as sa
from alembic import op

revision = "0370"
down_revision = "0365"


def upgrade() -> None:
    """Apply. Nobody has any."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("brand", sa.Column("follow_urls", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Take back: the links are lost."""
    op.drop_column("brand", "follow_urls")
