"""What SpamAssassin said of mails

Revision ID: 0365
Revises: 0351
"""

import sqlalchemy as sa
from alembic import op

revision = "0365"
down_revision = "0351"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply. Nothing has been asked for."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "spam_scores",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("about", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("looked_at", MOMENT, nullable=True),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("found_json", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('campaign', 'article', 'guide')", name="kind"),
        sa.PrimaryKeyConstraint("id", name="pk_spam_scores"),
        sa.UniqueConstraint("kind", "about", name="uq_spam_scores_kind_about"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("spam_scores")
