"""Campaigns at everyone's own time

Revision ID: 0310
Revises: 0300
"""

import sqlalchemy as sa
from alembic import op

revision = "0310"
down_revision = "0300"
INDEXES = (("ix_batches_waiting", ["state", "opens_at", "dispatch_id"], "waiting"), ("ix_batches_open", ["id"], "open"))


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
    for name, columns, state in INDEXES:
        which = sa.text(f"state = '{state}'")
        op.create_index(name, "batches", columns, postgresql_where=which, sqlite_where=which)


def downgrade() -> None:
    """Take back: what waits for its readers' hour goes then all the same, and what is scheduled goes to all at once."""
    for name, _, _ in INDEXES:
        op.drop_index(name, "batches")
    op.execute("UPDATE batches SET not_before = opens_at, state = 'open' WHERE state = 'waiting'")
    op.drop_column("batches", "opens_at")  # and its constraint with it
    op.drop_column("campaigns", "next_look_at")
    op.drop_column("campaigns", "own_time")
