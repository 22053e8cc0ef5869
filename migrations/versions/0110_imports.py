"""Imports: files of people, how far each has come, and whom it has changed

Revision ID: 0110
Revises: 0140
"""

import sqlalchemy as sa
from alembic import op

revision = "0110"
down_revision = "0140"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATES = (
    "reading", "mapping", "surveying", "asking", "checking", "ready", "running", "stopped", "done", "undoing", "undone",
    "unusable",
)
FATES = (
    "added", "confirmed", "pending", "left", "blocked", "bounced", "complained", "known", "suppressed", "stayed",
    "never agreed", "refused",
)
OPEN = sa.text("state IN ('reading', 'surveying', 'checking', 'running', 'undoing')")
TIME = sa.DateTime(timezone=True)


def _one_of(column: str, codes: tuple[str, ...], name: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{code}'" for code in codes)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(name))


def upgrade() -> None:
    """Apply. What was imported before is in no list, and cannot be undone."""
    op.create_table(
        "imports",
        sa.Column("id", ID, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("touched_at", TIME, nullable=False),
        sa.Column("owner_id", ID, nullable=True),
        sa.Column("token", sa.String(length=32), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("problem", sa.String(length=1000), nullable=False),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("sheets", sa.JSON(), nullable=False),
        sa.Column("sheet", sa.String(length=255), nullable=False),
        sa.Column("hidden", sa.Integer(), nullable=False),
        sa.Column("visible_only", sa.Boolean(), nullable=False),
        sa.Column("headings_hash", sa.String(length=64), nullable=False),
        sa.Column("meanings", sa.JSON(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.Column("basis", sa.String(length=1000), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=True),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("octets", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("fields_made", sa.JSON(), nullable=False),
        sa.Column("forgets_gone", sa.Boolean(), nullable=False),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("undone", sa.JSON(), nullable=False),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        _one_of("state", STATES, "ck_imports_state"),
        sa.ForeignKeyConstraint(["owner_id"], ["owners.id"], name="fk_imports_owner_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_imports"),
        sa.UniqueConstraint("token", name="uq_imports_token"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_imports_headings_hash", "imports", ["headings_hash"])
    op.create_index("ix_imports_open", "imports", ["state"], postgresql_where=OPEN, sqlite_where=OPEN)
    op.create_table(
        "imported_people",
        sa.Column("import_id", ID, nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("fate", sa.String(length=16), nullable=False),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("ending", sa.Boolean(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        _one_of("fate", FATES, "ck_imported_people_fate"),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name="fk_imported_people_import_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_imported_people_subscriber_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "subscriber_id", name="pk_imported_people"),
    )
    op.create_index("ix_imported_people_subscriber_id", "imported_people", ["subscriber_id"])


def downgrade() -> None:
    """Take back. The people stay; nothing can be undone any more."""
    op.drop_table("imported_people")
    op.drop_table("imports")
