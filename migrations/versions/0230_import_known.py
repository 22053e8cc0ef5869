"""Lists without headings, and what an import brings to those who are here already

Revision ID: 0230
Revises: 0220
"""

import sqlalchemy as sa
from alembic import op

revision = "0230"
down_revision = "0220"


def upgrade() -> None:
    """Apply. Imports that were begun before are read as they look, and change nothing more of anybody."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("imports", sa.Column("headed", sa.Boolean(), nullable=True))
    for name in ("fills_known", "overwrites_known"):
        op.add_column("imports", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Take back: what an import has filled in of those who were here stays as it is, and cannot be undone any more."""
    for name in ("overwrites_known", "fills_known", "headed"):
        op.drop_column("imports", name)
