"""Campaigns that go to the others of a cancelled one

Revision ID: 0376
Revises: 0375
"""

import sqlalchemy as sa
from alembic import op

revision = "0376"
down_revision = "0375"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply. Nothing is continued."""
    op.create_table(
        "continuations",
        sa.Column("original_id", ID, nullable=False),
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["original_id"], ["campaigns.id"], name="fk_continuations_original_id"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="fk_continuations_campaign_id"),
        sa.PrimaryKeyConstraint("original_id", name="pk_continuations"),
        sa.UniqueConstraint("campaign_id", name="uq_continuations_campaign_id"),
    )


def downgrade() -> None:
    """Take back: what is still to go out is called off: nobody would see from which one it went on."""
    op.execute(
        "UPDATE campaigns SET state = 'cancelled' WHERE state IN ('draft', 'scheduled') "
        "AND id IN (SELECT campaign_id FROM continuations)"
    )
    op.drop_table("continuations")
