"""A guide's own page, put together by its owner

Revision ID: 0220
Revises: 0200
"""

import sqlalchemy as sa
from alembic import op

revision = "0220"
down_revision = "0200"


def upgrade() -> None:
    """Apply: no guide has one yet, and each shows what it showed."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")  # pages read this table: better to stop than to make them wait
    op.add_column("guides", sa.Column("landing", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Take back: what owners have put together is gone; the texts in `content/guides` show again."""
    op.drop_column("guides", "landing")
