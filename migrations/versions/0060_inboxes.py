"""Mailboxes in which bounces, complaints and wishes to leave arrive

Revision ID: 0060
Revises: 0050
"""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0050"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "inboxes",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=400), nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=False),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.String(length=16), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "trouble IN ('login', 'folder', 'tls', 'unreachable', 'broken')", name=op.f("ck_inboxes_trouble")
        ),
        sa.CheckConstraint("(trouble IS NULL) = (since IS NULL)", name=op.f("ck_inboxes_trouble_has_beginning")),
        sa.PrimaryKeyConstraint("id", name="pk_inboxes"),
        sa.UniqueConstraint("name", name="uq_inboxes_name"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Take back: the mailboxes are read anew, which changes nothing twice."""
    op.drop_table("inboxes")
