"""Forms with topics that their owner has settled and a picture of their own; which form stands below articles

Revision ID: 0380
Revises: 0379
"""

import sqlalchemy as sa
from alembic import op

revision = "0380"
down_revision = "0379"


def upgrade() -> None:
    """Apply. No form has any of it, and below articles stands what fits each."""
    if not _is_sqlite():
        op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("forms", sa.Column("fixed_topics", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("forms", sa.Column("picture", sa.String(64)))
    op.add_column("forms", sa.Column("picture_words", sa.String(300), nullable=False, server_default=""))
    op.add_column("brand", sa.Column("has_article_forms", sa.Boolean(), nullable=False, server_default=sa.true()))
    # As a column's own reference SQLite adds it without copying the table.
    kind = "INTEGER" if _is_sqlite() else "BIGINT"
    op.execute(
        f"ALTER TABLE brand ADD COLUMN article_form_id {kind} CONSTRAINT fk_brand_article_form_id "
        "REFERENCES forms (id) ON DELETE SET NULL"
    )


def downgrade() -> None:
    """Take back: what was settled is lost. A form with settled topics is closed, for the version before would ask for
    every topic under words that were read of some."""
    if not _is_sqlite():
        op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "UPDATE forms SET archived_at = CURRENT_TIMESTAMP WHERE archived_at IS NULL "
        "AND CAST(fixed_topics AS VARCHAR) <> '[]'"
    )
    op.drop_column("brand", "article_form_id")
    op.drop_column("brand", "has_article_forms")
    for name in ("picture_words", "picture", "fixed_topics"):
        op.drop_column("forms", name)


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
