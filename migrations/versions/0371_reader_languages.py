"""A language for a form, and for a reader

Revision ID: 0371
Revises: 0370
"""

import sqlalchemy as sa
from alembic import op

revision = "0371"
down_revision = "0370"
TABLES = ("forms", "subscribers", "consents")


def upgrade() -> None:
    """Apply. Everybody reads in the newsletter's language, as before."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
    for table in TABLES:
        op.add_column(table, sa.Column("language", sa.String(length=16), nullable=True))


def downgrade() -> None:
    """Take back: what readers and forms have chosen is lost."""
    for table in reversed(TABLES):
        op.drop_column(table, "language")
