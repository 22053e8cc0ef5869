"""Feeds that send by themselves, and what a feed said of its version

Revision ID: 0321
Revises: 0320
"""

import sqlalchemy as sa
from alembic import op

revision = "0321"
down_revision = "0320"
MOMENT = sa.DateTime(timezone=True)
FEEDS = {
    "segment_id": "REFERENCES saved_segments (id) ON DELETE SET NULL",
    "topic_id": "REFERENCES topics (id)",
    "sending_by_id": "REFERENCES owners (id) ON DELETE SET NULL",
}
POSTS = {
    "article_id": "REFERENCES articles (id) ON DELETE SET NULL",
    "campaign_id": "REFERENCES campaigns (id) ON DELETE SET NULL",
}
WAITS = sa.text("mailing = 'waiting'")


def upgrade() -> None:
    """Apply. No feed sends by itself."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")  # a foreign key asks for the lock of the table that it points at
    # With its check or its reference in one statement: so SQLite adds it without copying the table.
    number = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        "ALTER TABLE feeds ADD COLUMN sending VARCHAR(16) DEFAULT 'off' NOT NULL "
        "CONSTRAINT ck_feeds_sending CHECK (sending IN ('off', 'everybody', 'segment'))"
    )
    for table, columns in (("feeds", FEEDS), ("feed_posts", POSTS)):
        for name, points in columns.items():
            op.execute(f"ALTER TABLE {table} ADD COLUMN {name} {number} CONSTRAINT fk_{table}_{name} {points}")
    op.add_column("feeds", sa.Column("known_at", MOMENT, nullable=True))
    op.add_column("feeds", sa.Column("etag", sa.String(500), nullable=False, server_default=""))
    op.add_column("feeds", sa.Column("last_modified", sa.String(100), nullable=False, server_default=""))
    op.execute(
        "ALTER TABLE feed_posts ADD COLUMN mailing VARCHAR(16) "
        "CONSTRAINT ck_feed_posts_mailing CHECK (mailing IN ('waiting', 'mailed', 'held'))"
    )
    op.create_index(
        "ix_feed_posts_waiting", "feed_posts", ["article_id"], sqlite_where=WAITS, postgresql_where=WAITS
    )


def downgrade() -> None:
    """Take back: new posts become drafts again. Articles and campaigns that came of them stay."""
    op.drop_index("ix_feed_posts_waiting", "feed_posts")
    for name in ("mailing", *POSTS):
        op.drop_column("feed_posts", name)
    for name in ("last_modified", "etag", "known_at", *FEEDS, "sending"):
        op.drop_column("feeds", name)
