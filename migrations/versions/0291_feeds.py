"""Feeds that are looked at, and their posts

Revision ID: 0291
Revises: 0290
"""

import sqlalchemy as sa
from alembic import op

revision = "0291"
down_revision = "0290"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
TROUBLES = (
    "'address', 'scheme', 'credentials', 'port', 'no-host', 'private', 'unreachable', 'tls', 'redirects', 'gone', "
    "'refused', 'status', 'slow', 'large', 'kind', 'garbled', 'no-feed'"
)


def upgrade() -> None:
    """Apply."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")  # a foreign key asks for the lock of the table that it points at
    op.create_table(
        "feeds",
        sa.Column("id", ID, nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("owner_id", ID, nullable=True),
        sa.Column("rhythm", sa.String(length=16), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("makes", sa.String(length=16), nullable=False),
        sa.Column("takes_old", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        *(sa.Column(one, MOMENT, nullable=True) for one in ("lease_until", "paused_at", "looked_at", "tried_at")),
        sa.Column("trouble", sa.String(length=16), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.CheckConstraint("rhythm IN ('daily', 'weekly')", name="ck_feeds_rhythm"),
        sa.CheckConstraint("makes IN ('articles', 'digest')", name="ck_feeds_makes"),
        sa.CheckConstraint(f"trouble IN ({TROUBLES})", name="ck_feeds_trouble"),
        sa.ForeignKeyConstraint(["owner_id"], ["owners.id"], name="fk_feeds_owner_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_feeds"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feeds_due_at", "feeds", ["due_at"])
    _posts()


def _posts() -> None:
    op.create_table(
        "feed_posts",
        sa.Column("id", ID, nullable=False),
        sa.Column("feed_id", ID, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.Column("draft_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name="fk_feed_posts_feed_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name="fk_feed_posts_draft_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_feed_posts"),
        sa.UniqueConstraint("feed_id", "key", name="uq_feed_posts_feed_id_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feed_posts_draft_id", "feed_posts", ["draft_id"])


def downgrade() -> None:
    """Take back: which feeds were looked at is gone; drafts and articles that came of them stay."""
    op.drop_table("feed_posts")
    op.drop_table("feeds")
