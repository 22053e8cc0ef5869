"""Topics as rows, which of them readers take, and what campaigns and consents are about

Revision ID: 0080
Revises: 0071
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0080"
down_revision = "0071"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FIRST = (("rehabilitation", "Rehabilitation"), ("training", "Training"))
"""The two that every installation had."""
REASONS = (
    "lost", "lost-unwanted", "unbuildable", "unfit", "not-eligible", "campaign-ended", "series-off", "series-stopped",
    "stopped-by-owner", "series-ended", "let-be", "confirmed", "left", "newsletter-left", "refused", "bounced",
    "complained", "mailbox-limit", "domain-limit", "nothing-open", "suppressed",
)  # fmt: skip
KINDS = (
    "newsletter-on", "newsletter-off", "series-started", "series-resumed", "series-stopped", "left", "returned",
    "refused", "bounced", "complained", "lifted",
)  # fmt: skip
NEW_KINDS = ("topic-on", "topic-off", "every-topic")
BY = ("mail", "one-click", "page", "owner", "server")
EVENT = ("id", "subscriber_id", "at", "kind", "by", "words", "page", "sequence_id", "before", "newsletter_before")


def upgrade() -> None:
    """Apply. Whoever takes the newsletter takes every topic of it, as before."""
    _topics()
    _choices()
    _refer("dispatches")
    _reasons((*REASONS, "topic-left"))
    _events((*KINDS, *NEW_KINDS), topics=True)
    op.add_column("forms", sa.Column("offers_topics", sa.Boolean(), nullable=False, server_default=sa.false()))


def _topics() -> None:
    op.create_table(
        "topics",
        sa.Column("id", ID, nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_topics"),
        sa.UniqueConstraint("slug", name="uq_topics_slug"),
        sa.UniqueConstraint("name", name="uq_topics_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "topic_slugs",
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("topic_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["topic_id"], ["topics.id"], name="fk_topic_slugs_topic_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("slug", name="pk_topic_slugs"),
    )
    connection = op.get_bind()
    if connection.execute(sa.text("SELECT id FROM brand")).first() is not None:  # a new one begins with its seeds
        table = sa.table("topics", *(sa.column(name) for name in ("slug", "name", "position")),
                         sa.column("created_at", sa.DateTime(timezone=True)))  # fmt: skip
        rows = [
            {"slug": slug, "name": name, "position": place, "created_at": datetime.now(UTC)}
            for place, (slug, name) in enumerate(FIRST, 1)
        ]
        connection.execute(table.insert(), rows)
    _refer("articles")
    op.execute("UPDATE articles SET topic_id = (SELECT id FROM topics WHERE topics.name = articles.topic)")
    op.drop_column("articles", "topic")
    op.create_index("ix_articles_topic_id", "articles", ["topic_id"])


def _choices() -> None:
    op.add_column("subscribers", sa.Column("every_topic", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("consents", sa.Column("every_topic", sa.Boolean(), nullable=False, server_default=sa.true()))
    for table, of, index in (("subscriptions", "subscriber", True), ("consent_topics", "consent", False)):
        op.create_table(
            table,
            sa.Column(f"{of}_id", ID, nullable=False),
            sa.Column("topic_id", ID, nullable=False),
            sa.ForeignKeyConstraint([f"{of}_id"], [f"{of}s.id"], name=f"fk_{table}_{of}_id", ondelete="CASCADE"),
            sa.ForeignKeyConstraint(["topic_id"], ["topics.id"], name=f"fk_{table}_topic_id"),
            sa.PrimaryKeyConstraint(f"{of}_id", "topic_id", name=f"pk_{table}"),
        )
        if index:
            op.create_index(f"ix_{table}_topic_id", table, ["topic_id"])


def downgrade() -> None:
    """Take back. Earlier versions know the newsletter as a whole: whoever had chosen among the topics would get what
    they left out, so they get none of it until they say so."""
    op.execute(sa.text("UPDATE subscribers SET newsletter = :no WHERE NOT every_topic").bindparams(no=False))
    op.drop_column("forms", "offers_topics")
    op.execute(f"DELETE FROM events WHERE kind IN ({_listed(NEW_KINDS)})")
    _events(KINDS, topics=False)
    for table in ("messages", "attempts", "enrollments"):
        op.execute(f"UPDATE {table} SET reason = 'newsletter-left' WHERE reason = 'topic-left'")
    _reasons(REASONS)
    op.drop_column("dispatches", "topic_id")
    op.drop_table("consent_topics")
    op.drop_index("ix_subscriptions_topic_id", "subscriptions")
    op.drop_table("subscriptions")
    op.drop_column("consents", "every_topic")
    op.drop_column("subscribers", "every_topic")
    op.add_column("articles", sa.Column("topic", sa.String(length=16), nullable=True))
    known = _listed(name for _, name in FIRST)
    op.execute(
        "UPDATE articles SET topic = (SELECT name FROM topics WHERE topics.id = articles.topic_id "
        f"AND topics.name IN ({known}))"
    )
    op.drop_index("ix_articles_topic_id", "articles")
    op.drop_column("articles", "topic_id")
    op.drop_table("topic_slugs")
    op.drop_table("topics")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _refer(table: str) -> None:
    """As a column's own reference SQLite adds it without copying the table."""
    number = "INTEGER" if _is_sqlite() else "BIGINT"
    op.execute(f"ALTER TABLE {table} ADD COLUMN topic_id {number} CONSTRAINT fk_{table}_topic_id REFERENCES topics (id)")


def _reasons(codes) -> None:
    """Other codes are allowed."""
    check = f"CHECK (reason IS NULL OR reason IN ({_listed(codes)}))"
    for table in ("messages", "attempts", "enrollments"):
        named = f"CONSTRAINT ck_{table}_reason"
        if not _is_sqlite():
            op.execute(f"ALTER TABLE {table} DROP {named}, ADD {named} {check}")
            continue
        op.execute(f"ALTER TABLE {table} RENAME COLUMN reason TO reason_before")
        op.execute(f"ALTER TABLE {table} ADD COLUMN reason VARCHAR(16) {named} {check}")
        op.execute(f"UPDATE {table} SET reason = reason_before WHERE reason_before IS NOT NULL")
        op.execute(f"ALTER TABLE {table} DROP COLUMN reason_before")


def _events(kinds, topics: bool) -> None:
    """Other kinds are allowed, of topics too. SQLite takes another check with another table only."""
    if not _is_sqlite():
        _refer("events") if topics else op.drop_column("events", "topic_id")
        check = f"CONSTRAINT ck_events_kind CHECK (kind IN ({_listed(kinds)}))"
        op.execute(f"ALTER TABLE events DROP CONSTRAINT ck_events_kind, ADD {check}")
        return
    about = [sa.Column("topic_id", ID), sa.ForeignKeyConstraint(["topic_id"], ["topics.id"], name="fk_events_topic_id")]
    op.create_table(
        "events_after",
        sa.Column("id", ID, nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=16), nullable=False),
        sa.Column("words", sa.String(length=1000), nullable=False),
        sa.Column("page", sa.String(length=200), nullable=False),
        sa.Column("sequence_id", ID, nullable=True),
        sa.Column("before", sa.String(length=16), nullable=True),
        sa.Column("newsletter_before", sa.Boolean(), nullable=True),
        *(about if topics else ()),
        sa.CheckConstraint(f"kind IN ({_listed(kinds)})", name="ck_events_kind"),
        sa.CheckConstraint(f"by IN ({_listed(BY)})", name="ck_events_by"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_events_subscriber_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["sequence_id"], ["sequences.id"], name="fk_events_sequence_id"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sqlite_autoincrement=True,
    )
    columns = ", ".join(f'"{name}"' for name in EVENT)
    op.execute(f"INSERT INTO events_after ({columns}) SELECT {columns} FROM events")
    op.drop_table("events")
    op.rename_table("events_after", "events")
    op.create_index("ix_events_subscriber_id", "events", ["subscriber_id"])


def _listed(codes) -> str:
    return ", ".join(f"'{code}'" for code in codes)
