"""Enrollment: one person's way through one sequence."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, exists, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.db import Base, Id
from newsletter.mail import outbox
from newsletter.mail.outbox import Message
from newsletter.sequences.delay import due_after
from newsletter.sequences.sequence import Sequence, Step
from newsletter.subscribers import Subscriber


class Course(StrEnum):
    """Where an enrollment stands."""

    WAITING = "waiting"
    """Behind another series of the same person: series come one after the other."""
    ACTIVE = "active"
    FINISHED = "finished"
    STOPPED = "stopped"


LIVE = (Course.WAITING, Course.ACTIVE)
_LIVE = text("course IN ('waiting', 'active')")


class Enrollment(Base):
    """What was last sent and really when (`anchor_at`), and, worked out from these, what is due when (`due_at`)."""

    __tablename__ = "enrollments"
    __table_args__ = (
        Index(
            "uq_enrollments_live",
            "subscriber_id",
            "sequence_id",
            unique=True,
            postgresql_where=_LIVE,
            sqlite_where=_LIVE,
        ),
        Index("ix_enrollments_due", "course", "due_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"), index=True)
    sequence_id: Mapped[int] = mapped_column(ForeignKey("sequences.id"))
    course: Mapped[Course]
    started_at: Mapped[datetime]
    anchor_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    last_step_id: Mapped[int | None] = mapped_column(ForeignKey("steps.id"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="SET NULL"), index=True)
    """The step's mail that is queued and not settled yet."""
    message_step_id: Mapped[int | None] = mapped_column(ForeignKey("steps.id"))
    ended_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(120), default="")

    subscriber: Mapped[Subscriber] = relationship()
    sequence: Mapped[Sequence] = relationship()
    last_step: Mapped[Step | None] = relationship(foreign_keys=[last_step_id])
    message: Mapped[Message | None] = relationship()
    message_step: Mapped[Step | None] = relationship(foreign_keys=[message_step_id])

    @property
    def next_step(self) -> Step | None:
        """The step that comes next; None: it was the last."""
        return self.sequence.after(self.last_step)

    def schedule(self, zone: str, now: datetime) -> None:
        """Work out `due_at` of the next step from the anchor, or finish."""
        step = self.next_step
        if step is None:
            self.end(Course.FINISHED, now)
        else:
            self.due_at = due_after(self.anchor_at, step.delay, self.subscriber.zone or zone)

    def activate(self, zone: str, now: datetime) -> None:
        """Its turn has come: delays count from now."""
        self.course, self.anchor_at = Course.ACTIVE, now
        self.schedule(zone, now)

    def passed(self, at: datetime, zone: str, now: datetime) -> None:
        """The mail of the current step is out of the way; the next delay counts from `at`."""
        self.last_step, self.anchor_at = self.message_step, at
        self.message = self.message_step = None
        self.schedule(zone, now)

    def end(self, course: Course, now: datetime, reason: str = "") -> None:
        """Finished or stopped: nothing more of it is sent."""
        self.course, self.ended_at, self.due_at, self.reason = course, now, None, reason


def enroll(session: Session, subscriber: Subscriber, sequence: Sequence, zone: str, now: datetime) -> Enrollment | None:
    """Start a sequence for a person. None when it is not live, or when they are in it or have been through it before.

    A second series waits behind the first. The unique index refuses a second live enrollment, whatever races.
    """
    here = (Enrollment.subscriber_id == subscriber.id, Enrollment.sequence_id == sequence.id)
    once = session.scalar(select(Enrollment.id).where(*here, Enrollment.course != Course.STOPPED).limit(1))
    if once is not None or not sequence.live:
        return None
    busy = session.scalar(
        select(exists().where(Enrollment.subscriber_id == subscriber.id, Enrollment.course.in_(LIVE)))
    )
    enrollment = Enrollment(
        subscriber=subscriber, sequence=sequence, course=Course.WAITING, started_at=now, anchor_at=now
    )
    session.add(enrollment)
    session.flush()
    if not busy:
        enrollment.activate(zone, now)
    return enrollment


def stop(session: Session, subscriber: Subscriber, now: datetime, reason: str, only: int | None = None) -> int:
    """End every live enrollment of a person (or `only` the one with this id) and call off its queued mail; how many."""
    look = select(Enrollment).where(Enrollment.subscriber_id == subscriber.id, Enrollment.course.in_(LIVE))
    if only is not None:
        look = look.where(Enrollment.id == only)
    ended = session.scalars(look).all()
    for enrollment in ended:
        if enrollment.message_id is not None:
            outbox.cancel(session, now, reason, Message.id == enrollment.message_id)
        # One that a cut-off host may have sent, or not: that host may tell yet, but is not to send it any more.
        its = Message.occasion.startswith(f"step:{enrollment.id}:", autoescape=True)
        outbox.let_rest(session, Message.subscriber_id == subscriber.id, its)
        enrollment.end(Course.STOPPED, now, reason)
    return len(ended)


def replan(session: Session, sequence: Sequence, zone: str, now: datetime, no_sooner: bool = False) -> int:
    """Work out anew what is due when, after the steps of a sequence were edited; how many people it moved.

    Elapsed time counts, both ways. `no_sooner` (a step was removed): nobody's next article comes before the time they
    were given already. A mail that is queued is not called back.
    """
    session.flush()
    active = session.scalars(
        select(Enrollment)
        .where(
            Enrollment.sequence_id == sequence.id, Enrollment.course == Course.ACTIVE, Enrollment.message_id.is_(None)
        )
        .with_for_update(of=Enrollment)
    ).all()
    moved = 0
    for enrollment in active:
        before = enrollment.due_at
        enrollment.schedule(zone, now)
        if no_sooner and before and enrollment.due_at:
            enrollment.due_at = max(before, enrollment.due_at)
        moved += enrollment.due_at != before
    return moved
