"""Campaigns that are another one once more

Revision ID: 0091
Revises: 0090
"""

import sqlalchemy as sa
from alembic import op

revision = "0091"
down_revision = "0090"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "resends",
        sa.Column("original_id", ID, nullable=False),
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["original_id"], ["campaigns.id"], name="fk_resends_original_id"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="fk_resends_campaign_id"),
        sa.PrimaryKeyConstraint("original_id", name="pk_resends"),
        sa.UniqueConstraint("campaign_id", name="uq_resends_campaign_id"),
    )


def downgrade() -> None:
    """Take back: what is still to go out would go by rules that an older version cannot read, and is called off."""
    op.execute(
        "UPDATE campaigns SET state = 'cancelled' WHERE state IN ('draft', 'scheduled') "
        "AND id IN (SELECT campaign_id FROM resends)"
    )
    op.drop_table("resends")
