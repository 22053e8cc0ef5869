"""A code from an app behind the password, and codes to get in without it

Revision ID: 0070
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0028"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.add_column("owners", sa.Column("totp_secret", sa.String(200)))
    op.add_column("owners", sa.Column("totp_step", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "recovery_codes",
        sa.Column("id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_codes"),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["owners.id"], name="fk_recovery_codes_owner_id", ondelete="CASCADE"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_recovery_codes_owner_id", "recovery_codes", ["owner_id"])


def downgrade() -> None:
    """Take back: whoever used it signs in with the password alone."""
    op.drop_table("recovery_codes")
    op.drop_column("owners", "totp_step")
    op.drop_column("owners", "totp_secret")
