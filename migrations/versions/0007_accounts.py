"""Sessions, resets and waits of owners; earlier keys; addresses of clients in columns of their own

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op


revision = "0007"
down_revision = "0006"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
HAS_IP = sa.text("ip IS NOT NULL")
SIGN_INS = "action IN ('signed in', 'sign-in refused')"


def upgrade() -> None:
    """Apply. Whoever is signed in signs in again."""
    op.create_table(
        "retired_keys",
        sa.Column("id", ID, nullable=False),
        sa.Column("key_print", sa.String(length=32), nullable=False),
        sa.Column("last_message", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retired_keys")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sessions",
        sa.Column("id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proven_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["owners.id"], name=op.f("fk_sessions_owner_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sessions_owner_id", "sessions", ["owner_id"])
    op.create_table(
        "password_resets",
        sa.Column("id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["owners.id"], name=op.f("fk_password_resets_owner_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_resets")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_password_resets_owner_id", "password_resets", ["owner_id"])
    op.create_table(
        "waits",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_waits")),
    )
    op.drop_column("owners", "epoch")
    op.add_column("audit", sa.Column("ip", sa.String(length=45), nullable=True))
    op.execute(f"UPDATE audit SET ip = substr(detail, 6), detail = '' WHERE {SIGN_INS} AND detail LIKE 'from %.%'")
    op.execute(f"UPDATE audit SET ip = substr(detail, 6), detail = '' WHERE {SIGN_INS} AND detail LIKE 'from %:%'")
    for table, at in (("audit", "at"), ("consents", "given_at")):
        op.create_index(f"ix_{table}_ip", table, [at], postgresql_where=HAS_IP, sqlite_where=HAS_IP)


def downgrade() -> None:
    """Take back."""
    for table in ("audit", "consents"):
        op.drop_index(f"ix_{table}_ip", table)
    op.execute("UPDATE audit SET detail = 'from ' || ip WHERE ip IS NOT NULL AND detail = ''")
    op.drop_column("audit", "ip")
    op.add_column("owners", sa.Column("epoch", sa.Integer(), nullable=False, server_default="1"))
    for table in ("waits", "password_resets", "sessions", "retired_keys"):
        op.drop_table(table)
