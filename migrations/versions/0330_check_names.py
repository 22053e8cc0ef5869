"""Checks have the names that the models give them

Revision ID: 0330
Revises: 0322

Several migrations had written the table's name into one that gets it anyway.
"""

from alembic import op

revision = "0330"
down_revision = "0322"
NAMED = {
    "ab_tests": (
        "share", "hours", "compares", "judge", "if_close", "waits", "decided", "winner", "decided_somehow"
    ),
    "approvals": ("state",), "bulk_actions": ("kind", "state"), "digest_entries": ("reason",),
    "feeds": ("trouble", "rhythm", "makes"), "fields": ("kind",), "invitations": ("role",),
}  # fmt: skip
COPIED = [(f"ck_events_after_ck_events_{name}", f"ck_events_{name}") for name in ("by", "kind", "why")]
"""Of a table that was copied under another name, which SQLite alone needed."""


def upgrade() -> None:
    """Apply. No row is read."""
    _rename("ck_{0}_ck_{0}_{1}", "ck_{0}_{1}")


def downgrade() -> None:
    """Take back."""
    _rename("ck_{0}_{1}", "ck_{0}_ck_{0}_{1}")


def _rename(before: str, after: str) -> None:
    """SQLite renames a check with a copy of the table only, so it is written into the schema, as its manual tells
    (lang_altertable.html, 7)."""
    names = [(table, before.format(table, name), after.format(table, name))
             for table, checks in NAMED.items() for name in checks]  # fmt: skip
    run = op.get_bind().exec_driver_sql
    if op.get_bind().dialect.name == "postgresql":
        run("SET LOCAL lock_timeout = '5s'")
        for table, old, new in names:
            run(f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}")
        return
    back = before == "ck_{0}_{1}"
    names += [("events", new, old) if back else ("events", old, new) for old, new in COPIED]
    schema = run("PRAGMA schema_version").scalar_one()
    run("PRAGMA writable_schema = ON")
    for table, old, new in names:
        run("UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ?",
            (f"CONSTRAINT {old} ", f"CONSTRAINT {new} ", table))  # fmt: skip
    run(f"PRAGMA schema_version = {schema + 1}")
    run("PRAGMA writable_schema = RESET")
