"""A reader's pause, and why somebody has left

Revision ID: 0081
Revises: 0080
"""

import sqlalchemy as sa
from alembic import op

revision = "0081"
down_revision = "0080"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REASONS = (
    "lost", "lost-unwanted", "unbuildable", "unfit", "not-eligible", "campaign-ended", "series-off", "series-stopped",
    "stopped-by-owner", "series-ended", "let-be", "confirmed", "left", "newsletter-left", "topic-left", "refused",
    "bounced", "complained", "mailbox-limit", "domain-limit", "nothing-open", "suppressed",
)  # fmt: skip
KINDS = (
    "newsletter-on", "newsletter-off", "topic-on", "topic-off", "every-topic", "series-started", "series-resumed",
    "series-stopped", "left", "returned", "refused", "bounced", "complained", "lifted",
)  # fmt: skip
NEW_KINDS = ("paused", "went-on", "said-why")
WHY = ("too-many", "not-expected", "no-longer", "never-asked", "other")
BY = ("mail", "one-click", "page", "owner", "server")
EVENT = (
    "id", "subscriber_id", "at", "kind", "by", "words", "page", "sequence_id", "topic_id", "before", "newsletter_before",
)  # fmt: skip


def upgrade() -> None:
    """Apply."""
    op.add_column("subscribers", sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True))
    paused = sa.text("paused_until IS NOT NULL")
    op.create_index(
        "ix_subscribers_paused_until", "subscribers", ["paused_until"], postgresql_where=paused, sqlite_where=paused
    )
    _reasons((*REASONS, "paused"))
    _events((*KINDS, *NEW_KINDS), why=True)


def downgrade() -> None:
    """Take back. Earlier versions know no pause, and what rests would come: who has paused gets none of the newsletter
    before they say so, and their series rest until the day on which the pause would have ended."""
    op.execute(sa.text("UPDATE subscribers SET newsletter = :no WHERE paused_until IS NOT NULL").bindparams(no=False))
    op.execute(f"DELETE FROM events WHERE kind IN ({_listed(NEW_KINDS)})")
    _events(KINDS, why=False)
    for table in ("messages", "attempts", "enrollments"):
        op.execute(f"UPDATE {table} SET reason = 'not-eligible' WHERE reason = 'paused'")
    _reasons(REASONS)
    op.drop_index("ix_subscribers_paused_until", "subscribers")
    op.drop_column("subscribers", "paused_until")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


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


def _events(kinds, why: bool) -> None:
    """Other kinds are allowed, and why somebody has left. SQLite takes another check with another table only."""
    says_why = sa.text("why IS NOT NULL")
    if not why:
        op.drop_index("ix_events_why", "events")
    if _is_sqlite():
        _copied(kinds, why)
    else:
        op.execute(
            f"ALTER TABLE events DROP CONSTRAINT ck_events_kind, ADD CONSTRAINT ck_events_kind "
            f"CHECK (kind IN ({_listed(kinds)}))"
        )
        if why:
            check = f"CONSTRAINT ck_events_why CHECK (why IN ({_listed(WHY)}))"
            op.execute(f"ALTER TABLE events ADD COLUMN why VARCHAR(16) {check}")
        else:
            op.drop_column("events", "why")
    if why:
        op.create_index("ix_events_why", "events", ["at"], postgresql_where=says_why, sqlite_where=says_why)


def _copied(kinds, why: bool) -> None:
    reason = [
        sa.Column("why", sa.String(length=16), nullable=True),
        sa.CheckConstraint(f"why IN ({_listed(WHY)})", name="ck_events_why"),
    ]
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
        sa.Column("topic_id", ID, nullable=True),
        sa.Column("before", sa.String(length=16), nullable=True),
        sa.Column("newsletter_before", sa.Boolean(), nullable=True),
        *(reason if why else ()),
        sa.CheckConstraint(f"kind IN ({_listed(kinds)})", name="ck_events_kind"),
        sa.CheckConstraint(f"by IN ({_listed(BY)})", name="ck_events_by"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_events_subscriber_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["sequence_id"], ["sequences.id"], name="fk_events_sequence_id"),
        sa.ForeignKeyConstraint(["topic_id"], ["topics.id"], name="fk_events_topic_id"),
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
