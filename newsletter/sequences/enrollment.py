"""Enrollment: one person's progress through one sequence."""

from collections.abc import Collection
from collections.abc import Sequence as SequenceOf
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.db import Base, Id
from newsletter.mail import ledger
from newsletter.mail.ledger import ACCEPTED, Message, Reason, State
from newsletter.mail.ledger.lost import stop_requeueing
from newsletter.mail.ledger.reasons import REASON_CHECK
from newsletter.sequences.delay import allowed_from, due_after
from newsletter.sequences.place import Place, Places
from newsletter.sequences.sequence import Sequence, Step
from newsletter.subscribers import Subscriber


class EnrollmentStatus(StrEnum):
    """Where an enrollment stands."""

    WAITING = "waiting"
    """Behind another series of the same person, paused, or off: a person gets one series at a time."""
    ACTIVE = "active"
    FINISHED = "finished"
    STOPPED = "stopped"


LIVE = (EnrollmentStatus.WAITING, EnrollmentStatus.ACTIVE)
_LIVE = text("status IN ('waiting', 'active')")
_ACTIVE = text("status = 'active'")
_DUE = text("due_at IS NOT NULL")
_SENDING = text("message_id IS NOT NULL")
LOOK_AGAIN = timedelta(days=1)
"""A waiting enrollment is woken when its turn comes; in case that is missed, it checks by itself after this."""


class Enrollment(Base):
    """What was last sent and when (`anchor_at`), and when the next step is due (`due_at`), computed from these.

    `due_at` is a cache that may be early, never late: before sending, the scheduler asks `due`.
    """

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
        # One active series a person, whatever races.
        Index("uq_enrollments_active", "subscriber_id", unique=True, postgresql_where=_ACTIVE, sqlite_where=_ACTIVE),
        # By sequence, so that a tick never reads those of one that is off.
        Index("ix_enrollments_due", "sequence_id", "due_at", postgresql_where=_DUE, sqlite_where=_DUE),
        Index("ix_enrollments_message", "message_id", postgresql_where=_SENDING, sqlite_where=_SENDING),
        CheckConstraint(REASON_CHECK, name="reason"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"), index=True)
    sequence_id: Mapped[int] = mapped_column(ForeignKey("sequences.id"))
    status: Mapped[EnrollmentStatus]
    started_at: Mapped[datetime]
    anchor_at: Mapped[datetime]
    due_at: Mapped[datetime | None] = mapped_column()
    place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"))
    """Which steps they have had; None: none yet."""
    last_step_id: Mapped[int | None] = mapped_column(ForeignKey("steps.id"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="SET NULL"))
    """The step's mail that is queued and has no outcome yet."""
    message_step_id: Mapped[int | None] = mapped_column(ForeignKey("steps.id"))
    tries: Mapped[int] = mapped_column(default=0)
    """Failed mails of the next step."""
    not_before: Mapped[datetime | None] = mapped_column()
    """The earliest time of the next step: it was promised before the step ahead was removed, or a mail failed."""
    waiting_since: Mapped[datetime | None] = mapped_column()
    """Since when the next step has been due and given way to other marketing mail."""
    stopped_at: Mapped[datetime | None] = mapped_column()
    """Since when its own clock has stood still, because it is not this series' turn."""
    pauses: Mapped[timedelta] = mapped_column(default=timedelta())
    """How much of its sequence's time off `anchor_at` already includes."""
    ended_at: Mapped[datetime | None] = mapped_column()
    reason: Mapped[Reason | None] = mapped_column()
    """Why it was stopped; None if it finished by itself."""
    resumes = False
    """Whether it continues a stopped one; set only on the object `enroll` returns."""

    subscriber: Mapped[Subscriber] = relationship()
    sequence: Mapped[Sequence] = relationship()
    place: Mapped[Place | None] = relationship()
    last_step: Mapped[Step | None] = relationship(foreign_keys=[last_step_id])
    message: Mapped[Message | None] = relationship()
    message_step: Mapped[Step | None] = relationship(foreign_keys=[message_step_id])

    @property
    def ahead(self) -> list[Step]:
        """The steps still to come in order, a queued one first."""
        return self.sequence.ahead(self.place)

    @property
    def next_step(self) -> Step | None:
        """The next step; None after the last."""
        return next(iter(self.ahead), None)

    def due(self, step: Step, zone: str, now: datetime) -> datetime:
        """When this step is due if it comes next, before it gives way to other mail."""
        late = self._stood_still(now)
        place = self.subscriber.zone or zone
        at = due_after(self.anchor_at + late, step.delay, place)
        if self.not_before is not None and self.not_before + late > at:
            return allowed_from(self.not_before + late, step.delay, place)
        return at

    def _stood_still(self, now: datetime) -> timedelta:
        return self.sequence.stood_still(now) - self.pauses

    def _restart_clock(self, late: timedelta, now: datetime) -> None:
        """Shift all times by as long as the clock stood still."""
        self.anchor_at += late
        self.not_before = self.not_before and self.not_before + late
        self.waiting_since = self.waiting_since and self.waiting_since + late
        self.pauses = self.sequence.stood_still(now)

    def catch_up(self, now: datetime) -> None:
        """Add the time its sequence was off."""
        if late := self._stood_still(now):
            self._restart_clock(late, now)

    def schedule(self, zone: str, now: datetime) -> None:
        """Compute `due_at` of the next step from the anchor, or finish."""
        self.catch_up(now)
        step = self.next_step
        if step is None:
            self.end(EnrollmentStatus.FINISHED, now)
        else:
            self.due_at = self.due(step, zone, now)

    def activate(self, zone: str, now: datetime) -> None:
        """Start it: its turn has come, and the stopped clock runs from now."""
        self._restart_clock(now - (self.stopped_at or now), now)
        self.status, self.stopped_at = EnrollmentStatus.ACTIVE, None
        self.schedule(zone, now)

    def step_aside(self, now: datetime) -> None:
        """Let another series of this person go first, because its sequence is off or they have paused."""
        self.catch_up(now)
        self.status, self.stopped_at, self.due_at = EnrollmentStatus.WAITING, now, now + LOOK_AGAIN

    def passed(self, at: datetime, place: Place, zone: str, now: datetime) -> None:
        """Complete the current step; the next delay counts from `at`."""
        self.last_step, self.place, self.anchor_at = self.message_step, place, at
        self.pauses = self.sequence.stood_still(at)
        self.not_before = self.waiting_since = None
        self.tries = 0
        self._settled(zone, now)

    def failed(self, not_before: datetime | None, zone: str, now: datetime) -> None:
        """Retry the current step: its mail failed."""
        self.tries += 1
        self.not_before = not_before or self.not_before
        self._settled(zone, now)

    def _settled(self, zone: str, now: datetime) -> None:
        self.message = self.message_step = None
        if self.status is EnrollmentStatus.ACTIVE:
            self.schedule(zone, now)

    def end(self, status: EnrollmentStatus, now: datetime, reason: Reason | None = None) -> None:
        """Finish or stop it: nothing more is sent. A mail on the wire still counts as had."""
        self.status, self.ended_at, self.due_at, self.reason = status, now, None, reason
        self.waiting_since = self.stopped_at = None

    def reached(self, session: Session) -> Place | None:
        """Their place, counting a step whose mail was on the wire when it was stopped."""
        gone = self.message is not None and self.message.state in (*ACCEPTED, State.SENDING, State.UNCERTAIN)
        if not gone or self.message_step_id is None:
            return self.place
        self.sequence.lock(session)
        known = session.scalars(select(Place).where(Place.sequence_id == self.sequence_id)).all()
        return Places(session, known).after(self.sequence_id, self.place, self.message_step_id)


def enroll(session: Session, subscriber: Subscriber, sequence: Sequence, zone: str, now: datetime) -> Enrollment | None:
    """Start a sequence for a person, or resume it where it was stopped.

    Returns None if they are in it or have finished it.

    It waits behind another series of theirs, during a pause, and while it is off. Unique indexes refuse a second live
    enrollment and a second active one, whatever races.
    """
    enrollments = _enrollments_of(session, subscriber)
    here = [one for one in enrollments if one.sequence_id == sequence.id]
    if any(one.status is not EnrollmentStatus.STOPPED for one in here):
        return None
    before = here[-1] if here else None
    is_behind = any(one.status in LIVE for one in enrollments)
    look = now + LOOK_AGAIN if is_behind else now

    def begin() -> Enrollment:
        enrollment = Enrollment(
            subscriber=subscriber, sequence=sequence, status=EnrollmentStatus.WAITING, started_at=now, anchor_at=now,
            stopped_at=now, due_at=subscriber.paused_until or look, pauses=sequence.stood_still(now),
            place=before.reached(session) if before else None, last_step=before.last_step if before else None,
        )  # fmt: skip
        enrollment.resumes = before is not None
        return enrollment

    if not is_behind and sequence.live and not subscriber.is_paused:
        enrollment = begin()
        enrollment.activate(zone, now)
        try:
            return _added(session, enrollment)
        except IntegrityError:  # another series of theirs has just become active
            look = now + LOOK_AGAIN
    return _added(session, begin())


def _enrollments_of(session: Session, subscriber: Subscriber) -> SequenceOf[Enrollment]:
    """All enrollments of a person, oldest first.

    Locked and reread, so that one that is just ending has ended.
    """
    theirs = select(Enrollment).where(Enrollment.subscriber_id == subscriber.id).order_by(Enrollment.id)
    return session.scalars(theirs.with_for_update(of=Enrollment).execution_options(populate_existing=True)).all()


def _added(session: Session, enrollment: Enrollment) -> Enrollment:
    with session.begin_nested():
        session.add(enrollment)
    return enrollment


def stop(session: Session, subscriber: Subscriber, now: datetime, reason: Reason, only: int | None = None) -> int:
    """Stop every live enrollment of a person (or `only` this one) and cancel its queued mail; return how many."""
    look = select(Enrollment).where(Enrollment.subscriber_id == subscriber.id, Enrollment.status.in_(LIVE))
    if only is not None:
        look = look.where(Enrollment.id == only)
    # Locked and reread: a mail that a tick is just queueing is then queued, and can be cancelled.
    ended = session.scalars(
        look.order_by(Enrollment.id).with_for_update(of=Enrollment).execution_options(populate_existing=True)
    ).all()
    for enrollment in ended:
        if enrollment.message_id is not None:
            ledger.cancel(session, now, reason, Message.id == enrollment.message_id)
        # A host that was cut off may still report what became of its mail, but must not send it any more.
        its = Message.idempotency_key.startswith(f"step:{enrollment.id}:", autoescape=True)
        stop_requeueing(session, Message.subscriber_id == subscriber.id, its)
        enrollment.end(EnrollmentStatus.STOPPED, now, reason)
    session.flush()
    wake(session, {subscriber.id} if ended else (), now)
    return len(ended)


def switch_off(session: Session, sequence: Sequence, now: datetime) -> None:
    """Switch a sequence off: cancel what is queued, and stop everybody's clock.

    The sequence must be locked (`Sequence.lock`). Series that waited behind it go first.
    """
    if not sequence.live:
        return
    sequence.live, sequence.paused_at = False, now
    session.flush()
    here = (Enrollment.sequence_id == sequence.id,)
    queued = select(Enrollment.message_id).where(*here, Enrollment.message_id.is_not(None))
    ledger.cancel(session, now, Reason.SERIES_OFF, Message.id.in_(queued))
    theirs = select(Enrollment.subscriber_id).where(*here, Enrollment.status == EnrollmentStatus.ACTIVE)
    session.execute(
        update(Enrollment)
        .where(Enrollment.status == EnrollmentStatus.WAITING, Enrollment.subscriber_id.in_(theirs))
        .values(due_at=now)
        .execution_options(synchronize_session=False)
    )


def wake(session: Session, subscribers: Collection[int], now: datetime) -> None:
    """Have these people's waiting series check whether it is their turn, after another has ended."""
    if not subscribers:
        return
    # Skip locked rows: whatever is being changed wakes by itself or is ending.
    theirs = (Enrollment.subscriber_id.in_(subscribers), Enrollment.status == EnrollmentStatus.WAITING)
    if ids := session.scalars(select(Enrollment.id).where(*theirs).with_for_update(skip_locked=True)).all():
        session.execute(
            update(Enrollment)
            .where(Enrollment.id.in_(ids))
            .values(due_at=now)
            .execution_options(synchronize_session=False)
        )
