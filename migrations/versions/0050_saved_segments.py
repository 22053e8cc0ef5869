"""Segments by rules, under a name; campaigns to one of them

Revision ID: 0050
Revises: 0070
"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0070"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "saved_segments",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_segments"),
        sa.UniqueConstraint("name", name="uq_saved_segments_name"),
        sqlite_autoincrement=True,
    )
    # As a column's own reference SQLite adds it without copying the table.
    number = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        sa.text(
            f"ALTER TABLE campaigns ADD COLUMN segment_id {number} CONSTRAINT fk_campaigns_segment_id "
            "REFERENCES saved_segments (id)"
        )
    )
    op.add_column("campaigns", sa.Column("segment_rules", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Take back. One to a segment would go to everybody: it is called off. One that goes out stands until its owner
    has looked at it; its recipients that are not written yet get nothing."""
    theirs = "(segment_id IS NOT NULL OR segment_rules IS NOT NULL)"
    op.execute(f"UPDATE campaigns SET state = 'cancelled' WHERE {theirs} AND state IN ('draft', 'scheduled')")
    op.execute(
        "UPDATE dispatches SET filled_at = created_at WHERE filled_at IS NULL AND id IN "
        f"(SELECT dispatch_id FROM campaigns WHERE {theirs} AND dispatch_id IS NOT NULL)"
    )
    op.drop_column("campaigns", "segment_rules")
    op.drop_column("campaigns", "segment_id")
    op.drop_table("saved_segments")
