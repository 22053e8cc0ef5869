"""Where sending services report bounces and complaints

Revision ID: 0150
Revises: 0081b
"""

import sqlalchemy as sa
from alembic import op

revision = "0150"
down_revision = "0081b"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "report_addresses",
        sa.Column("service", sa.String(length=16), nullable=False),
        sa.Column("generation", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("service", name="pk_report_addresses"),
    )


def downgrade() -> None:
    """Take back: addresses that were replaced are good again."""
    op.drop_table("report_addresses")
