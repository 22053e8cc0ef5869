"""Campaigns that wait for approval

Revision ID: 0282
Revises: 0281
"""

import sqlalchemy as sa
from alembic import op

revision = "0282"
down_revision = "0281"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
WAITS = sa.text("state = 'waiting'")
REFERS = (("campaign_id", "campaigns"), ("asked_by_id", "owners"), ("revision_id", "revisions"),
          ("answered_by_id", "owners"))  # fmt: skip


def upgrade() -> None:
    """Apply."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "approvals",
        sa.Column("id", ID, nullable=False),
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("asked_by_id", ID, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("revision_id", ID, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("answered_by_id", ID, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("answer", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'handed-back', 'taken-back', 'approved')", name="ck_approvals_state"
        ),
        *(sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_approvals_{column}") for column, table in REFERS),
        sa.PrimaryKeyConstraint("id", name="pk_approvals"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_approvals_campaign_id", "approvals", ["campaign_id"])
    op.create_index(
        "uq_approvals_waiting", "approvals", ["campaign_id"], unique=True, postgresql_where=WAITS, sqlite_where=WAITS
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("approvals")
