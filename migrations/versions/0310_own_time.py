"""Campaigns at everyone's own time

Revision ID: 0310
Revises: 0291
"""

import sqlalchemy as sa
from alembic import op

revision = "0310"
down_revision = "0291"


def upgrade() -> None:
    """Apply. No row changes: what is scheduled goes to all at once, as it was meant."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
    kinds = {"sqlite": ("DATETIME", "DATETIME"), "postgresql": ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE")}
    local, moment = kinds[op.get_bind().dialect.name]
    op.execute(sa.text(f"ALTER TABLE campaigns ADD COLUMN own_time {local}"))
    op.execute(sa.text(f"ALTER TABLE campaigns ADD COLUMN next_look_at {moment}"))
    # As a column's own constraint SQLite adds it without copying the table.
    op.execute(
        sa.text(
            f"ALTER TABLE batches ADD COLUMN opens_at {moment} "
            "CONSTRAINT ck_batches_waits_for_something CHECK (state != 'waiting' OR opens_at IS NOT NULL)"
        )
    )
    waits = sa.text("state = 'waiting'")
    op.create_index(
        "ix_batches_waiting", "batches", ["opens_at", "dispatch_id"], postgresql_where=waits, sqlite_where=waits
    )


def downgrade() -> None:
    """Take back: what waits for its readers' hour goes then all the same, and what is scheduled goes to all at once."""
    op.drop_index("ix_batches_waiting", "batches")
    op.execute("UPDATE batches SET not_before = opens_at, state = 'open' WHERE state = 'waiting'")
    op.drop_column("batches", "opens_at")  # and its constraint with it
    op.drop_column("campaigns", "next_look_at")
    op.drop_column("campaigns", "own_time")
