"""One mail a week in place of single ones: who chose it, and what waits for it or stands in which

Revision ID: 0190
Revises: 0170
"""

import re
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0190"
down_revision = "0170"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REASONED = ("messages", "attempts", "enrollments")
KINDS = ("digest-on", "digest-off")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply. Everybody goes on as before: nobody has chosen it yet."""
    op.add_column("subscribers", sa.Column("digest", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("brand", sa.Column("digest_weekday", sa.Integer(), nullable=False, server_default="4"))
    op.add_column("brand", sa.Column("digest_hour", sa.Integer(), nullable=False, server_default="9"))
    for table in REASONED:
        _allow(table, "reason", lambda codes: [*codes, "digest"])
    _allow("events", "kind", lambda codes: [*codes, *KINDS])
    op.create_table(
        "digest_entries",
        sa.Column("message_id", ID, nullable=False, autoincrement=False),
        sa.Column("subscriber_id", sa.BigInteger(), nullable=False),
        sa.Column("dispatch_id", sa.BigInteger(), nullable=False),
        sa.Column("counts_from", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("digest_id", ID, nullable=True),
        sa.Column("revision_id", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=True),
        sa.CheckConstraint(_check("reason", _codes("messages", "reason")), name="ck_digest_entries_reason"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name="fk_digest_entries_message_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["digest_id"], ["messages.id"], name="fk_digest_entries_digest_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("message_id", name="pk_digest_entries"),
    )
    for column in ("subscriber_id", "dispatch_id", "digest_id"):
        op.create_index(f"ix_digest_entries_{column}", "digest_entries", [column])
    waits = sa.text("digest_id IS NULL AND reason IS NULL")
    op.create_index(
        "ix_digest_entries_due", "digest_entries", ["due_at"], postgresql_where=waits, sqlite_where=waits
    )


def downgrade() -> None:
    """Take back. Earlier versions send singly, so that is what readers get who had chosen one mail a week: nothing that
    they have not agreed to, only more often. What stood in a weekly mail has its outcome; what still waits goes out."""
    _settle()
    op.drop_table("digest_entries")
    op.execute("DELETE FROM messages WHERE stream = 'digest'")
    op.execute(f"DELETE FROM events WHERE kind IN {KINDS}")
    _allow("events", "kind", lambda codes: [code for code in codes if code not in KINDS])
    for table in REASONED:
        op.execute(f"UPDATE {table} SET reason = 'not-eligible' WHERE reason = 'digest'")
        _allow(table, "reason", lambda codes: [code for code in codes if code != "digest"])
    for table, column in (("brand", "digest_hour"), ("brand", "digest_weekday"), ("subscribers", "digest")):
        op.drop_column(table, column)


def _settle() -> None:
    """Each campaign of a weekly mail gets that mail's outcome; one that is on the wire is uncertain. What waits, or
    is queued and not on the wire, is tried by itself."""
    entries = "SELECT message_id FROM digest_entries WHERE"
    mails = f"{entries} digest_id IN (SELECT id FROM messages WHERE stream = 'digest' AND state"
    open_ = "('ready', 'claimed', 'deferred')"
    of_mail = (
        "(SELECT mail.{} FROM digest_entries e JOIN messages mail ON mail.id = e.digest_id "
        "WHERE e.message_id = messages.id)"
    )
    op.execute("UPDATE messages SET state = 'uncertain', troubled_at = created_at "
               "WHERE stream = 'digest' AND state = 'sending'")  # fmt: skip
    op.execute(
        "UPDATE messages SET reason = (SELECT e.reason FROM digest_entries e WHERE e.message_id = messages.id) "
        f"WHERE id IN ({entries} reason IS NOT NULL)"
    )
    copied = ", ".join(f"{name} = {of_mail.format(name)}" for name in ("state", "settled_at", "troubled_at", "reason"))
    op.execute(f"UPDATE messages SET {copied} WHERE id IN ({mails} NOT IN {open_}) AND reason IS NULL)")
    waiting = f"id IN ({entries} digest_id IS NULL AND reason IS NULL) OR id IN ({mails} IN {open_}) AND reason IS NULL)"
    now = datetime.now(UTC)
    now = now.replace(tzinfo=None) if _is_sqlite() else now
    again = sa.text(
        f"UPDATE messages SET state = 'ready', due_at = :now, settled_at = NULL, reason = NULL, attempts = 0 WHERE {waiting}"
    )
    op.execute(again.bindparams(sa.bindparam("now", now, type_=MOMENT)))
    op.execute(
        "UPDATE batches SET counts = NULL WHERE EXISTS (SELECT 1 FROM digest_entries e WHERE e.dispatch_id = "
        "batches.dispatch_id AND e.message_id BETWEEN batches.first_id AND batches.last_id)"
    )


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _definition(table) -> str:  # type: ignore[no-untyped-def]
    look = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
    return str(op.get_bind().exec_driver_sql(look, (table,)).scalar_one())


def _checked(table, column):  # type: ignore[no-untyped-def]
    """The list of codes in SQLite's text of a table, as it stands there."""
    found = re.search(rf"{column} IN \(([^)]*)\)", _definition(table))
    assert found is not None
    return found[1]


def _codes(table, column) -> list[str]:  # type: ignore[no-untyped-def]
    """The codes that a column may hold by now, in their order."""
    if _is_sqlite():
        listed = _checked(table, column)
    else:
        look = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s AND conrelid = %s::regclass"
        listed = op.get_bind().exec_driver_sql(look, (f"ck_{table}_{column}", table)).scalar_one()
    return re.findall(r"'([^']+)'", listed)


def _allow(table, column, changed) -> None:  # type: ignore[no-untyped-def]
    """Other codes are allowed. SQLite takes another check with a copy of the table only, and what refers to that would
    go; so it is written into the schema, as its manual tells (lang_altertable.html, 7)."""
    codes = changed(_codes(table, column))
    if not _is_sqlite():
        name = f"ck_{table}_{column}"
        check = _check(column, codes)
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK ({check})")
        return
    sql = _definition(table).replace(_checked(table, column), _listed(codes))
    run = op.get_bind().exec_driver_sql
    schema = run("PRAGMA schema_version").scalar()
    run("PRAGMA writable_schema = ON")
    run("UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?", (sql, table))
    run(f"PRAGMA schema_version = {schema + 1}")
    run("PRAGMA writable_schema = RESET")


def _check(column, codes) -> str:  # type: ignore[no-untyped-def]
    listed = f"{column} IN ({_listed(codes)})"
    return f"reason IS NULL OR {listed}" if column == "reason" else listed


def _listed(codes) -> str:  # type: ignore[no-untyped-def]
    return ", ".join(f"'{code}'" for code in codes)
