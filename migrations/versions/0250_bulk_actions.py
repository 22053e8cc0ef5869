"""One thing done for everybody whom a list shows: what was asked for, and how far it is

Revision ID: 0250
Revises: 0230
"""

import sqlalchemy as sa
from alembic import op

revision = "0250"
down_revision = "0230"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
OPEN = sa.text("state IN ('waiting', 'running')")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "bulk_actions",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("owner_id", ID, nullable=True),
        sa.Column("guide_id", ID, nullable=True),
        sa.Column("sequence_id", ID, nullable=True),
        sa.Column("asked", sa.String(length=254), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=True),
        sa.Column("tag", sa.String(length=80), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=True),
        *(sa.Column(one, sa.BigInteger(), nullable=False) for one in ("last_id", "position", "expected", "looked_at",
                                                                      "done")),
        sa.CheckConstraint("kind IN ('guide', 'stop-series', 'erase')", name="ck_bulk_actions_kind"),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'stopped', 'done', 'called-off')", name="ck_bulk_actions_state"
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["owners.id"], name="fk_bulk_actions_owner_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["guide_id"], ["guides.id"], name="fk_bulk_actions_guide_id"),
        sa.ForeignKeyConstraint(["sequence_id"], ["sequences.id"], name="fk_bulk_actions_sequence_id"),
        sa.PrimaryKeyConstraint("id", name="pk_bulk_actions"),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("ix_bulk_actions_open", "bulk_actions", ["state"], postgresql_where=OPEN, sqlite_where=OPEN)


def downgrade() -> None:
    """Take back."""
    op.drop_table("bulk_actions")
