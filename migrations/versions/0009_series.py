"""Series remember what was had by step, their clock can stand, and one is active at a time

Revision ID: 0009
Revises: 0008
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op


revision = "0009"
down_revision = "0008"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
NOTHING = timedelta()
CAME = ("sent", "delivered", "uncertain", "bounced", "complained")
LIVE = sa.text("course IN ('waiting', 'active')")
ACTIVE = sa.text("course = 'active'")
DUE = sa.text("due_at IS NOT NULL")
SENDING = sa.text("message_id IS NOT NULL")


def upgrade() -> None:
    """Apply."""
    op.add_column("brand", sa.Column("series_wait_days", sa.Integer(), nullable=False, server_default="2"))
    op.add_column("sequences", sa.Column("paused_at", TIME))
    op.add_column("sequences", sa.Column("pauses", sa.Interval(), nullable=False, server_default=_interval()))
    op.create_table(
        "places",
        sa.Column("id", ID, nullable=False),
        sa.Column("sequence_id", ID, nullable=False),
        sa.Column("had", sa.JSON(), nullable=False),
        sa.Column("skipped", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sequence_id"], ["sequences.id"], name=op.f("fk_places_sequence_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_places")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_places_sequence_id", "places", ["sequence_id"])
    columns = (
        sa.Column("place_id", ID, sa.ForeignKey("places.id", name="fk_enrollments_place_id")),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("not_before", TIME),
        sa.Column("waiting_since", TIME),
        sa.Column("stopped_at", TIME),
        sa.Column("pauses", sa.Interval(), nullable=False, server_default=_interval()),
    )
    with op.batch_alter_table("enrollments") as table:
        for column in columns:
            table.add_column(column)
        table.drop_index("ix_enrollments_due")
        table.drop_index("ix_enrollments_message_id")
    _fill(op.get_bind())
    op.create_index("ix_enrollments_due", "enrollments", ["sequence_id", "due_at"], postgresql_where=DUE,
                    sqlite_where=DUE)  # fmt: skip
    op.create_index("ix_enrollments_message", "enrollments", ["message_id"], postgresql_where=SENDING,
                    sqlite_where=SENDING)  # fmt: skip
    op.create_index("uq_enrollments_active", "enrollments", ["subscriber_id"], unique=True, postgresql_where=ACTIVE,
                    sqlite_where=ACTIVE)  # fmt: skip


def _interval() -> Any:
    # SQLite has no intervals: SQLAlchemy keeps them there as a time since 1970.
    return sa.text("'0'" if op.get_bind().dialect.name == "postgresql" else "'1970-01-01 00:00:00.000000'")


def _fill(connection: sa.Connection) -> None:
    """Everybody keeps their place: what lies behind them counts as had, and what they were sent of what lies ahead."""
    tables = sa.MetaData()
    names = ("sequences", "steps", "places", "enrollments", "messages")
    tables.reflect(connection, only=names)
    sequences, steps, places, enrollments, messages = (tables.tables[name] for name in names)
    now = datetime.now(UTC)
    local = now if connection.dialect.name == "postgresql" else now.replace(tzinfo=None)
    connection.execute(sa.update(sequences).where(~sequences.c.live).values(paused_at=local))
    order = list(connection.execute(sa.select(steps.c.id, steps.c.sequence_id, steps.c.position)))
    for last, sequence, position in order:
        behind = sorted(id for id, its, place in order if its == sequence and place <= position)
        there = enrollments.c.last_step_id == last
        if connection.scalar(sa.select(enrollments.c.id).where(there).limit(1)) is not None:
            _put(connection, places, enrollments, sequence, behind, there)
        ahead = [id for id, its, place in order if its == sequence and place > position]
        for enrollment, came in _came(connection, enrollments, messages, there, ahead).items():
            _put(connection, places, enrollments, sequence, sorted({*behind, *came}), enrollments.c.id == enrollment)
    one_of_two = sa.select(sa.func.min(enrollments.c.id)).where(enrollments.c.course == "active")
    first = one_of_two.group_by(enrollments.c.subscriber_id)
    connection.execute(
        sa.update(enrollments)
        .where(enrollments.c.course == "active", enrollments.c.id.not_in(first))
        .values(course="waiting", stopped_at=local, due_at=local)
    )
    waiting = (enrollments.c.course == "waiting", enrollments.c.stopped_at.is_(None))
    connection.execute(
        sa.update(enrollments).where(*waiting).values(stopped_at=enrollments.c.anchor_at, due_at=local)
    )


def _put(connection: sa.Connection, places: sa.Table, enrollments: sa.Table, sequence: int, had: list[int],
         who: sa.ColumnElement[bool]) -> None:  # fmt: skip
    made = connection.execute(sa.insert(places).values(sequence_id=sequence, had=had, skipped=[]))
    connection.execute(sa.update(enrollments).where(who).values(place_id=made.inserted_primary_key[0]))


def _came(connection: sa.Connection, enrollments: sa.Table, messages: sa.Table, there: sa.ColumnElement[bool],
          ahead: list[int]) -> dict[int, list[int]]:  # fmt: skip
    """Steps that were moved ahead of people who had been sent them."""
    came: dict[int, list[int]] = {}
    for step in ahead:
        occasion = sa.literal("step:") + sa.cast(enrollments.c.id, sa.String) + sa.literal(f":{step}")
        rows = connection.scalars(
            sa.select(enrollments.c.id)
            .join(messages, messages.c.subscriber_id == enrollments.c.subscriber_id)
            .where(there, messages.c.occasion == occasion, messages.c.state.in_(CAME))
        )
        for enrollment in rows:
            came.setdefault(enrollment, []).append(step)
    return came


def downgrade() -> None:
    """Take back."""
    op.drop_index("uq_enrollments_active", "enrollments")
    op.drop_index("ix_enrollments_message", "enrollments")
    op.drop_index("ix_enrollments_due", "enrollments")
    with op.batch_alter_table("enrollments") as table:
        for name in ("pauses", "stopped_at", "waiting_since", "not_before", "tries"):
            table.drop_column(name)
        table.drop_constraint("fk_enrollments_place_id", type_="foreignkey")
        table.drop_column("place_id")
    op.create_index("ix_enrollments_due", "enrollments", ["course", "due_at"])
    op.create_index("ix_enrollments_message_id", "enrollments", ["message_id"])
    op.drop_table("places")
    for table, name in (("sequences", "pauses"), ("sequences", "paused_at"), ("brand", "series_wait_days")):
        op.drop_column(table, name)
