"""Which words a campaign had when it was scheduled

Revision ID: 0101
Revises: 0100
"""

import sqlalchemy as sa
from alembic import op

revision = "0101"
down_revision = "0100"


def upgrade() -> None:
    """Apply. What is scheduled already counts as scheduled with the words of now."""
    # As a column's own reference SQLite adds it without copying the table.
    number = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        sa.text(
            f"ALTER TABLE campaigns ADD COLUMN scheduled_revision_id {number} "
            "CONSTRAINT fk_campaigns_scheduled_revision_id REFERENCES revisions (id)"
        )
    )
    op.execute(
        "UPDATE campaigns SET scheduled_revision_id = (SELECT max(revisions.id) FROM revisions "
        "WHERE revisions.article_id = campaigns.article_id) WHERE state = 'scheduled'"
    )


def downgrade() -> None:
    """Take back."""
    op.drop_column("campaigns", "scheduled_revision_id")
