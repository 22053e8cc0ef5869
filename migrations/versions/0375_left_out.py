"""Campaigns leave out segments, who has had the article, and who gets another mail that day

Revision ID: 0375
Revises: 0374
"""

import sqlalchemy as sa
from alembic import op

revision = "0375"
down_revision = "0374"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply. No campaign leaves anybody out."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")  # a foreign key asks for the lock of the table that it points at
    op.add_column("campaigns", sa.Column("left_out_rules", sa.JSON(), nullable=True))
    for name in ("leaves_out_had", "one_a_day"):
        op.add_column("campaigns", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "campaign_left_out",
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("segment_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "segment_id", name="pk_campaign_left_out"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_campaign_left_out_campaign_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["segment_id"], ["saved_segments.id"], name="fk_campaign_left_out_segment_id"),
    )
    op.create_index("ix_campaign_left_out_segment_id", "campaign_left_out", ["segment_id"])
    op.create_table(
        "campaign_rivals",
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("other_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "other_id", name="pk_campaign_rivals"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_campaign_rivals_campaign_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["other_id"], ["campaigns.id"], name="fk_campaign_rivals_other_id", ondelete="CASCADE"),
    )
    op.create_index("ix_campaign_rivals_other_id", "campaign_rivals", ["other_id"])


def downgrade() -> None:
    """Take back. One that leaves somebody out would go to them: it is called off. One that goes out stands until its
    owner has looked at it; its recipients that are not written yet get nothing."""
    theirs = (
        "(left_out_rules IS NOT NULL OR leaves_out_had OR one_a_day "
        "OR id IN (SELECT campaign_id FROM campaign_left_out))"
    )
    op.execute(f"UPDATE campaigns SET state = 'cancelled' WHERE {theirs} AND state IN ('draft', 'scheduled')")
    op.execute(
        "UPDATE dispatches SET filled_at = created_at WHERE filled_at IS NULL AND id IN "
        f"(SELECT dispatch_id FROM campaigns WHERE {theirs} AND dispatch_id IS NOT NULL)"
    )
    op.drop_table("campaign_rivals")
    op.drop_table("campaign_left_out")
    for name in ("one_a_day", "leaves_out_had", "left_out_rules"):
        op.drop_column("campaigns", name)
