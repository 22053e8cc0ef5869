"""What was looked at about sending

Revision ID: 0340
Revises: 0330
"""

import sqlalchemy as sa
from alembic import op

revision = "0340"
down_revision = "0330"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply. Nothing has been looked at."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "sending_looks",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("looked_at", MOMENT, nullable=True),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("found_json", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('domain', 'relay', 'key')", name="kind"),
        sa.PrimaryKeyConstraint("id", name="pk_sending_looks"),
        sa.UniqueConstraint("kind", "name", name="uq_sending_looks_kind_name"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("sending_looks")
