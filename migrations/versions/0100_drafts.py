"""What is typed and not saved yet, and who wrote a revision

Revision ID: 0100
Revises: 0081
"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0100"
down_revision = "0081"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SAVED = {"article saved": re.compile(r"(\d+) revision (\d+) "), "article written": re.compile(r"(\d+)() ")}
"""What the audit log says of who wrote which: an article's number, and its revision's where that is not the first."""


def upgrade() -> None:
    """Apply."""
    # As a column's own reference SQLite adds it without copying the table.
    number = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        sa.text(f"ALTER TABLE revisions ADD COLUMN author_id {number} CONSTRAINT fk_revisions_author_id REFERENCES owners (id)")
    )
    op.create_table(
        "drafts",
        sa.Column("id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("sitting", sa.String(length=32), nullable=False),
        sa.Column("article_id", ID, nullable=True),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("typed", sa.JSON(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["owners.id"], name="fk_drafts_owner_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name="fk_drafts_article_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_drafts"),
        sa.UniqueConstraint("owner_id", "sitting", name="uq_drafts_owner_id_sitting"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_drafts_article_id", "drafts", ["article_id"])
    _name_authors()


def downgrade() -> None:
    """Take back. What was not saved is gone."""
    op.drop_table("drafts")
    op.drop_column("revisions", "author_id")


def _name_authors() -> None:
    """Say who wrote the revisions there are, as far as the audit log knows."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.text("SELECT owner_id, action, detail FROM audit WHERE action IN ('article saved', 'article written')")
    ).all()
    for owner, action, detail in rows:
        if owner is not None and (found := _SAVED[action].match(detail)):
            connection.execute(
                sa.text("UPDATE revisions SET author_id = :owner WHERE article_id = :article AND number = :number"),
                {"owner": owner, "article": int(found[1]), "number": int(found[2] or 1)},
            )
