"""Passkeys

Revision ID: 0320
Revises: 0310
"""

import sqlalchemy as sa
from alembic import op

revision = "0320"
down_revision = "0310"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply. Nobody has a passkey, and nobody is asked for one."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("owners", sa.Column("passkey_handle", sa.String(length=64), nullable=True))
    op.create_table(
        "passkeys",
        sa.Column("id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("credential_id", sa.String(length=1364), nullable=False),
        sa.Column("public_key", sa.String(length=2000), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("rp_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["owners.id"], name="fk_passkeys_owner_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_passkeys"),
        sa.UniqueConstraint("credential_id", name="uq_passkeys_credential_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_passkeys_owner_id", "passkeys", ["owner_id"])
    op.create_table(
        "passkey_challenges",
        sa.Column("challenge_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("challenge_hash", name="pk_passkey_challenges"),
    )


def downgrade() -> None:
    """Take back: who was asked for a passkey is asked for the password, and for the code of an app if there is one."""
    op.drop_table("passkey_challenges")
    op.drop_table("passkeys")
    op.execute("DELETE FROM recovery_codes WHERE owner_id IN (SELECT id FROM owners WHERE totp_secret IS NULL)")
    op.drop_column("owners", "passkey_handle")
