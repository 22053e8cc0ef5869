"""Who is invited into the team

Revision ID: 0281
Revises: 0280
"""

import sqlalchemy as sa
from alembic import op

revision = "0281"
down_revision = "0280"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "invitations",
        sa.Column("id", ID, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", ID, nullable=False),
        sa.CheckConstraint("role IN ('owner', 'editor', 'writer', 'viewer')", name="ck_invitations_role"),
        sa.ForeignKeyConstraint(["by_id"], ["owners.id"], name="fk_invitations_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.UniqueConstraint("email", name="uq_invitations_email"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Take back: whoever has not come in yet is invited anew. Earlier versions have no words for the mail."""
    op.drop_table("invitations")
    op.execute("DELETE FROM messages WHERE stream = 'invitation'")
