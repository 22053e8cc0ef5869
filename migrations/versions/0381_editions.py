"""Editions of guides, and which of them each request has led to; the newest may be offered to many

Revision ID: 0381
Revises: 0380
"""

import sqlalchemy as sa
from alembic import op

revision = "0381"
down_revision = "0380"
BEFORE = "kind IN ('guide', 'remind', 'leave-topic', 'stop-series', 'erase')"
AFTER = "kind IN ('guide', 'edition', 'remind', 'leave-topic', 'stop-series', 'erase')"


def upgrade() -> None:
    """Apply. How often a PDF was replaced before is on no record: everybody has the present edition, the first."""
    _lock_briefly()
    for table in ("guides", "guide_requests"):
        op.add_column(table, sa.Column("edition", sa.Integer(), nullable=False, server_default="1"))
    _check(BEFORE, AFTER)


def downgrade() -> None:
    """Take back. The version before does not know how to do this to people, so what is under way ends and is forgotten:
    who has been offered the edition keeps it."""
    _lock_briefly()
    op.execute("DELETE FROM bulk_actions WHERE kind = 'edition'")
    _check(AFTER, BEFORE)
    for table in ("guide_requests", "guides"):
        op.drop_column(table, "edition")


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
