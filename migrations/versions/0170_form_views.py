"""How often forms came into view

Revision ID: 0170
Revises: 0160
"""

import sqlalchemy as sa
from alembic import op

revision = "0170"
down_revision = "0160"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "form_views",
        sa.Column("form_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("page", sa.String(length=200), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["form_id"], ["forms.id"], name="fk_form_views_form_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("form_id", "day", "page", name="pk_form_views"),
    )


def downgrade() -> None:
    """Take back: how often forms were seen is known no more."""
    op.drop_table("form_views")
