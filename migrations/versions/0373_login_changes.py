"""Other sign-in addresses, the owner's words in the weekly mail, and which keys sign mail

Revision ID: 0373
Revises: 0371
"""

import sqlalchemy as sa
from alembic import op

revision = "0373"
down_revision = "0371"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
BEFORE = "mail IN ('confirm', 'reminder', 'guide', 'goodbye', 'prove')"
AFTER = "mail IN ('confirm', 'reminder', 'guide', 'goodbye', 'prove', 'digest')"


def upgrade() -> None:
    """Apply. Nobody has asked for another address, and the first key that signs is known from then on."""
    _lock_briefly()
    op.create_table(
        "login_changes",
        sa.Column("id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("earlier", sa.String(length=254), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["owners.id"], name="fk_login_changes_owner_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_login_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_login_changes_owner_id", "login_changes", ["owner_id"])
    op.create_table(
        "signing_keys",
        sa.Column("name", sa.String(length=320), nullable=False),
        sa.Column("key_print", sa.String(length=64), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_signing_keys"),
    )
    _check(BEFORE, AFTER)


def downgrade() -> None:
    """Take back: the owner's words in the weekly mail are gone, addresses stay as they are. Earlier versions have no
    words for the mails about an address."""
    _lock_briefly()
    op.execute("DELETE FROM mail_texts WHERE mail = 'digest'")
    _check(AFTER, BEFORE)
    op.drop_table("signing_keys")
    op.drop_index("ix_login_changes_owner_id", "login_changes")
    op.drop_table("login_changes")
    op.execute("DELETE FROM messages WHERE stream = 'login'")


def _check(before: str, after: str) -> None:
    """Another list of codes. SQLite takes it with a copy of the table only, so it is written into the schema, as its
    manual tells (lang_altertable.html, 7)."""
    if not _is_sqlite():
        name = "ck_mail_texts_mail"
        op.execute(f"ALTER TABLE mail_texts DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK ({after})")
        return
    run = op.get_bind().exec_driver_sql
    schema = run("PRAGMA schema_version").scalar_one()
    run("PRAGMA writable_schema = ON")
    run("UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'mail_texts'",
        (before, after))  # fmt: skip
    run(f"PRAGMA schema_version = {schema + 1}")
    run("PRAGMA writable_schema = RESET")


def _lock_briefly() -> None:
    if not _is_sqlite():
        op.execute("SET LOCAL lock_timeout = '5s'")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
