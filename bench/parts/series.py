"""Scheduler ticks of series: one with nobody due among a million, and one that moves a thousand."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from sqlalchemy import event, func, insert, literal, select, text, update

from bench import people
from bench.parts.ledger import empty
from bench.report import Table, whole
from bench.run_size import Size
from newsletter import articles, brand, campaigns, guides, sequences
from newsletter.db import Database
from newsletter.mail.ledger import Message, State
from newsletter.sequences import Delay, Enrollment, EnrollmentStatus, Sequence
from newsletter.subscribers import Subscriber

DUE = 1000
IDLE = 20
"""Idle ticks; the median is reported."""
HEADS = ("enrolled", "idle tick ms", "first 1,000 ms", "next 1,000 ms", "statements")


def series(size: Size) -> list[Table]:
    """Wall-clock time of `sequences.advance_due` including the commit, with a single process."""
    table = Table("Series: one tick of the scheduler", HEADS)
    for name in ("PostgreSQL", "SQLite"):
        for number in size.growth[-1:]:
            with ExitStack() as stack:
                database, url = stack.enter_context(empty(name))
                people.add(url, 1, number + 1)
                table.rows.append(_row(f"{name}, {whole(number)}", database))
    table.notes.append(
        "Idle: nobody is due, median of 20. First: 1,000 are due, and their mail is queued. Next: they had it, and "
        "are due again, so that each is settled and queued in one tick. Statements: of the "
        "dearest of these ticks, BEGIN and savepoints included."
    )
    return [table]


def _row(name: str, database: Database) -> list[str]:
    now = datetime.now(UTC)
    _enroll_everybody(database, now)
    counts: list[int] = []
    idle = sorted(_tick(database, now, counts) for _ in range(IDLE))[IDLE // 2]
    with database.transaction() as session:
        theirs = select(Enrollment.id).order_by(Enrollment.id).limit(DUE)
        early = now - timedelta(days=2)
        session.execute(update(Enrollment).where(Enrollment.id.in_(theirs)).values(due_at=now, anchor_at=early))
    first = _tick(database, now, counts)
    with database.transaction() as session:
        went = {"state": State.SENT, "due_at": None, "settled_at": now}
        session.execute(update(Message).values(**went))
        queued = session.scalar(select(func.count(Message.id)))
    second = _tick(database, now + timedelta(days=1, minutes=1), counts)
    assert queued == DUE, queued
    return [name, f"{idle:.1f}", f"{first:.0f}", f"{second:.0f}", str(max(counts))]


def _enroll_everybody(database: Database, now: datetime) -> None:
    """Enroll everybody in one series, due in 30 days, and update the database's statistics."""
    with database.transaction() as session:
        sequence = Sequence(slug="bench", name="bench", created_at=now)
        session.add(sequence)
        for number in range(3):
            words = articles.write(session, now, title=f"Bench {number}", subject="Bench", body="Bench")
            sequence.append(words, Delay.parse("1 day"))
        session.flush()
        kinds = Enrollment.__table__.c
        columns = {
            "subscriber_id": Subscriber.id, "sequence_id": literal(sequence.id),
            "status": literal(EnrollmentStatus.ACTIVE, kinds.status.type),
            "started_at": literal(now, kinds.started_at.type),
            "anchor_at": literal(now, kinds.anchor_at.type),
            "due_at": literal(now + timedelta(days=30), kinds.due_at.type), "tries": literal(0),
            "pauses": literal(timedelta(), kinds.pauses.type),
        }  # fmt: skip
        session.execute(insert(Enrollment).from_select(list(columns), select(*columns.values())))
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE"))


def _tick(database: Database, now: datetime, counts: list[int]) -> float:
    """Run a tick; returns milliseconds and appends the number of statements to `counts`."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    begun = time.perf_counter()
    with database.transaction() as session:
        zone, mailings = brand.current(session).zone, campaigns.planned(session)
        accents = guides.mail_accents(session)
        sequences.advance_due(session, now, zone, mailings=mailings, accents=accents)
    spent = time.perf_counter() - begun
    event.remove(database.engine, "before_cursor_execute", note)
    counts.append(len(seen))
    return spent * 1000
