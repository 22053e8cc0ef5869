"""Alarms: relays that refuse for reasons of their own, confirmations that fail in a row

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op


revision = "0010"
down_revision = "0009"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    kinds = sa.Enum("relay", "confirmations", native_enum=False, length=16)
    troubles = sa.Enum(
        "rate", "connections", "busy", "storage", "quota", "sender", "login", "account", "refused", "tls",
        "unreachable", native_enum=False, length=16,
    )  # fmt: skip
    op.create_table(
        "alarms",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", kinds, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("trouble", troubles, nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("reply", sa.String(length=500), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(kind = 'relay') = (trouble IS NOT NULL)", name=op.f("ck_alarms_relay_has_trouble")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
        sa.UniqueConstraint("kind", "name", name=op.f("uq_alarms_kind_name")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("alarms")
