"""Addresses are compared by code points on PostgreSQL, as on SQLite: then the unique index finds a beginning, too

Revision ID: 0030
Revises: 0027
"""

from alembic import op

revision = "0030"
down_revision = "0027"


def upgrade() -> None:
    """Apply: the unique index is built anew, the rows stay as they are."""
    _collate("C")


def downgrade() -> None:
    """Take back."""
    _collate("default")


def _collate(collation: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f'ALTER TABLE subscribers ALTER COLUMN email_key TYPE VARCHAR(254) COLLATE "{collation}"')
