"""The audit log keeps what changed and is found by person and kind; those who have not confirmed can be asked again

Revision ID: 0379
Revises: 0377
"""

import sqlalchemy as sa
from alembic import op

revision = "0379"
down_revision = "0377"
BEFORE = "kind IN ('guide', 'leave-topic', 'stop-series', 'erase')"
AFTER = "kind IN ('guide', 'remind', 'leave-topic', 'stop-series', 'erase')"
READERS = sa.text("kind IN ('newsletter-on', 'newsletter-off', 'left', 'bounced', 'complained')")


def upgrade() -> None:
    """Apply. Entries of before have no values to show."""
    _lock_briefly()
    op.add_column("audit", sa.Column("changes", sa.JSON(), nullable=True))
    op.create_index("ix_audit_owner", "audit", ["owner_id", "id"])
    op.create_index("ix_audit_action", "audit", ["action", "id"])
    op.create_index("ix_events_readers", "events", ["at"], sqlite_where=READERS, postgresql_where=READERS)
    op.create_index("ix_guide_requests_requested_at", "guide_requests", ["requested_at"])
    _check(BEFORE, AFTER)


def downgrade() -> None:
    """Take back. The version before does not know how to ask many again, so what is under way ends: who has been asked
    already stays asked."""
    _lock_briefly()
    op.execute("DELETE FROM bulk_actions WHERE kind = 'remind'")
    _check(AFTER, BEFORE)
    op.drop_index("ix_guide_requests_requested_at", "guide_requests")
    op.drop_index("ix_events_readers", "events")
    op.drop_index("ix_audit_action", "audit")
    op.drop_index("ix_audit_owner", "audit")
    op.drop_column("audit", "changes")


def _check(before: str, after: str) -> None:
    """Another list of codes. SQLite takes it with a copy of the table only, so it is written into the schema, as its
    manual tells (lang_altertable.html, 7)."""
    if not _is_sqlite():
        name = "ck_bulk_actions_kind"
        op.execute(f"ALTER TABLE bulk_actions DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK ({after})")
        return
    run = op.get_bind().exec_driver_sql
    schema = run("PRAGMA schema_version").scalar_one()
    run("PRAGMA writable_schema = ON")
    run("UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'bulk_actions'",
        (before, after))  # fmt: skip
    run(f"PRAGMA schema_version = {schema + 1}")
    run("PRAGMA writable_schema = RESET")


def _lock_briefly() -> None:
    if not _is_sqlite():
        op.execute("SET LOCAL lock_timeout = '5s'")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
