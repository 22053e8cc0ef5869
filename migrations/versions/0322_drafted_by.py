"""Who has drafted a campaign

Revision ID: 0322
Revises: 0321
"""

from alembic import op

revision = "0322"
down_revision = "0321"


def upgrade() -> None:
    """Apply. Of those that are there nobody knows it: they are thrown away by who may send, as they were."""
    number = "INTEGER"
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
        number = "BIGINT"
    op.execute(
        f"ALTER TABLE campaigns ADD COLUMN drafted_by_id {number} CONSTRAINT fk_campaigns_drafted_by_id "
        "REFERENCES owners (id) ON DELETE SET NULL"
    )


def downgrade() -> None:
    """Take back: drafts stay."""
    op.drop_column("campaigns", "drafted_by_id")
