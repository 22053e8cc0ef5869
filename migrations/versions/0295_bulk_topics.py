"""A topic may be taken from everybody in a list

Revision ID: 0295
Revises: 0291
"""

import sqlalchemy as sa
from alembic import op

revision = "0295"
down_revision = "0291"
BEFORE = "kind IN ('guide', 'stop-series', 'erase')"
AFTER = "kind IN ('guide', 'leave-topic', 'stop-series', 'erase')"


def upgrade() -> None:
    """Apply."""
    _lock_briefly()
    # As a column's own reference SQLite adds it without copying the table, and copying would delete what refers to it.
    kind = "INTEGER" if _is_sqlite() else "BIGINT"
    op.execute(
        f"ALTER TABLE bulk_actions ADD COLUMN topic_id {kind} CONSTRAINT fk_bulk_actions_topic_id REFERENCES topics (id)"
    )
    _check(BEFORE, AFTER)


def downgrade() -> None:
    """Take back. The version before does not know how to do this to people, so what is under way ends and is forgotten:
    who has been done already stays without the topic."""
    _lock_briefly()
    op.execute("DELETE FROM bulk_actions WHERE kind = 'leave-topic'")
    _check(AFTER, BEFORE)
    op.drop_column("bulk_actions", "topic_id")


def _check(before: str, after: str) -> None:
    """Another list of codes. SQLite takes it with a copy of the table only, so it is written into the schema, as its
    manual tells (lang_altertable.html, 7)."""
    if not _is_sqlite():
        name = "ck_bulk_actions_ck_bulk_actions_kind"  # as 0250 called it
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
