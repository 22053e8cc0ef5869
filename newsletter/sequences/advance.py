"""The scheduler of series: on each beat tick it moves everybody who is due, a batch in a handful of statements."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal, or_, select, update
from sqlalchemy.orm import Session, contains_eager, selectinload
from sqlalchemy.orm.attributes import flag_modified

from newsletter import brand
from newsletter.db import Moment
from newsletter.mail.ledger import UNDER_WAY, Message, Reason, State
from newsletter.sequences.delay import allowed_from
from newsletter.sequences.enrollment import LIVE, LOOK_AGAIN, Enrollment, EnrollmentStatus, wake
from newsletter.sequences.mails import NO_ACCENTS, Accents, DueStep, queue_mails
from newsletter.sequences.pacing import goes_at, other_mail
from newsletter.sequences.place import Places
from newsletter.sequences.sequence import Sequence as Series
from newsletter.subscribers import Mailing, Stream, Subscriber

BATCH = 1000
"""Enrollments moved in one transaction. This many may go at once; a larger crowd is spread."""
SPREAD_OVER = timedelta(hours=1)
A_SECOND = 10
"""The pace at which a crowd is spread, over at most `SPREAD_OVER`."""
SLOTS = 60
MOST_SPREAD = 20_000
"""Enrollments given a slot in one transaction."""
MOST_TRIES = 3
TRY_AGAIN = timedelta(days=7)
"""A step whose mail failed (mailbox full, refused) is retried after this; after `MOST_TRIES` it counts as had."""
WIRE = timedelta(minutes=1)
"""When to check again whether a mail on the wire has arrived."""
_COLUMNS = (
    "status", "anchor_at", "due_at", "place_id", "last_step_id", "message_id", "message_step_id", "tries", "not_before",
    "waiting_since", "stopped_at", "pauses", "ended_at", "reason",
)  # fmt: skip


def is_due(now: Moment) -> ColumnElement[bool]:
    """The condition that a tick has work. It reads only small indexes, however many people are enrolled."""
    of_series = select(Series.id).where(Series.live, _due([Series.id], now).correlate(Series).exists())
    return or_(_settled().exists(), of_series.exists())


def advance_due(session: Session, now: datetime, zone: str, limit: int = BATCH,
                mailings: Iterable[Mailing] = (), accents: Accents = NO_ACCENTS) -> int:  # fmt: skip
    """Move up to `limit` enrollments on; return how many moved. `zone`: for subscribers without their own.

    `mailings`: the planned campaigns, which series give way to (`pacing`). `accents`: the mails' colours. Rows are
    locked while they move (SKIP LOCKED on PostgreSQL, one writer on SQLite), and the mail's key is unique: two beats,
    or two workers, send one mail.
    """
    # Locked before any enrollment, so that edits and ticks wait for each other.
    series = session.scalars(
        select(Series)
        .order_by(Series.id)
        .options(selectinload(Series.steps), selectinload(Series.places))
        .with_for_update(read=True, of=Series)
        .execution_options(populate_existing=True)
    ).all()
    places = Places(session, [place for one in series for place in one.places])
    live = {one.id for one in series if one.live}
    tick = _Tick(
        session=session,
        now=now,
        zone=zone,
        wait=brand.current(session).series_wait_days,
        mailings=list(mailings),
        accents=accents,
        places=places,
        live=live,
    )
    with session.no_autoflush:
        settled = tick.settle(limit)
        tick.write()
        seen = tick.move(limit)
        tick.write()
    if seen == limit:
        _spread(session, live, now)
    return settled + seen - tick.still_waiting


def _settled() -> Select[Enrollment]:
    """The SELECT of enrollments whose mail has an outcome. A series waits while its mail is under way."""
    return (
        select(Enrollment)
        .join(Message, Message.id == Enrollment.message_id)
        .where(Enrollment.message_id.is_not(None), Message.state.not_in(UNDER_WAY))
    )


def _due(live: Collection[Any], now: Moment) -> Select[Enrollment]:
    """The SELECT of due enrollments, without series that are off: every tick would find those again."""
    return select(Enrollment).where(
        Enrollment.sequence_id.in_(live), Enrollment.due_at <= now, Enrollment.message_id.is_(None)
    )


def _spread(session: Session, live: Collection[int], now: datetime) -> None:
    """Give a crowd larger than a batch, all due at once, a later time each."""
    crowd = _due(live, now).with_only_columns(Enrollment.id).order_by(Enrollment.due_at).limit(MOST_SPREAD)
    size = session.scalar(select(func.count()).select_from(crowd.subquery())) or 0
    if size < BATCH:
        return
    over = min(SPREAD_OVER, timedelta(seconds=size / A_SECOND))
    times = {slot: literal(now + over * (slot + 1) / SLOTS, Enrollment.due_at.type) for slot in range(SLOTS)}
    session.execute(
        update(Enrollment)
        .where(Enrollment.id.in_(crowd.with_for_update(skip_locked=True)))
        .values(due_at=case(times, value=Enrollment.id % SLOTS))
        .execution_options(synchronize_session=False)
    )


@dataclass
class _Tick:
    """One batch. `live`: ids of the sequences that are on."""

    session: Session
    now: datetime
    zone: str
    wait: int
    mailings: list[Mailing]
    accents: Accents
    places: Places
    live: set[int]
    touched: dict[int, Enrollment] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    """Ids of the people whose series has ended."""
    still_waiting: int = 0
    """How many checked whether it is their turn, and it was not."""

    def _zone(self, enrollment: Enrollment) -> str:
        return enrollment.subscriber.zone or self.zone

    def settle(self, limit: int) -> int:
        """Settle steps whose mail has an outcome; return how many. The next delay counts from the actual send."""
        rows = self.session.execute(
            _settled()
            .join(Subscriber, Subscriber.id == Enrollment.subscriber_id)
            .options(contains_eager(Enrollment.subscriber))
            .add_columns(Message.state, Message.settled_at)
            .order_by(Enrollment.message_id)  # the order of its index: ordered by id, SQLite would read the whole table
            .limit(limit)
            .with_for_update(skip_locked=True, of=Enrollment)
        ).all()
        for enrollment, state, settled_at in rows:
            self._settle(enrollment, state, settled_at or self.now)
        return len(rows)

    def _settle(self, enrollment: Enrollment, state: State, at: datetime) -> None:
        self.touched[enrollment.id] = enrollment
        failed = state in (State.CANCELLED, State.FAILED)
        if failed and not enrollment.subscriber.takes(Stream.STEP):
            enrollment.message = enrollment.message_step = None
            if enrollment.status is EnrollmentStatus.ACTIVE:
                self._end(enrollment, EnrollmentStatus.STOPPED, Reason.SERIES_NOT_ELIGIBLE)
        elif failed and not (state is State.FAILED and enrollment.tries + 1 >= MOST_TRIES):
            enrollment.failed(at + TRY_AGAIN if state is State.FAILED else None, self.zone, self.now)
        elif (step := enrollment.message_step) is not None:
            place = self.places.after(enrollment.sequence_id, enrollment.place, step.id)
            enrollment.passed(at, place, self.zone, self.now)
        if enrollment.status is EnrollmentStatus.FINISHED:
            self.ended.add(enrollment.subscriber_id)

    def _end(self, enrollment: Enrollment, status: EnrollmentStatus, reason: Reason | None = None) -> None:
        enrollment.end(status, self.now, reason)
        self.ended.add(enrollment.subscriber_id)

    def move(self, limit: int) -> int:
        """Queue the next mail of everybody who is due, and start those whose turn it is; return how many were due."""
        due = self.session.scalars(
            _due(self.live, self.now)
            .join(Subscriber, Subscriber.id == Enrollment.subscriber_id)
            .options(contains_eager(Enrollment.subscriber))
            .order_by(Enrollment.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True, of=Enrollment)
        ).all()
        self.touched |= {one.id: one for one in due}
        active = [one for one in due if one.status is EnrollmentStatus.ACTIVE]
        self._activate([one for one in due if one.status is EnrollmentStatus.WAITING])
        self._queue([going for one in active if (going := self._next(one))])
        return len(due)

    def _activate(self, waiting: Sequence[Enrollment]) -> None:
        """Start series that waited behind another, if that has ended or is off."""
        if not waiting:
            return
        people = {one.subscriber_id for one in waiting}
        others: dict[int, list[Enrollment]] = {}
        theirs = select(Enrollment).where(Enrollment.subscriber_id.in_(people), Enrollment.status.in_(LIVE))
        for other in self.session.scalars(theirs.order_by(Enrollment.id)):
            others.setdefault(other.subscriber_id, []).append(other)
        ready = [one for one in sorted(waiting, key=lambda one: one.id) if self._may_begin(one, others)]
        active = [
            other for one in ready for other in others[one.subscriber_id] if other.status is EnrollmentStatus.ACTIVE
        ]
        on_the_wire = self._step_aside(active)
        for one in ready:
            if one.subscriber_id in on_the_wire:
                one.due_at = self.now + WIRE
                continue
            one.activate(self.zone, self.now)
            if one.status is EnrollmentStatus.FINISHED:
                self.ended.add(one.subscriber_id)

    def _may_begin(self, one: Enrollment, others: Mapping[int, Sequence[Enrollment]]) -> bool:
        """Whether a waiting series may begin; if not, set when to check again."""
        if not one.subscriber.takes(Stream.STEP):
            self._end(one, EnrollmentStatus.STOPPED, Reason.SERIES_NOT_ELIGIBLE)
            return False
        if one.subscriber.paused_until is not None:
            one.due_at = max(one.subscriber.paused_until, self.now + WIRE)
        elif self._is_behind(one, others[one.subscriber_id]):
            one.due_at = self.now + LOOK_AGAIN
        else:
            return True
        self.still_waiting += 1
        return False

    def _is_behind(self, waiting: Enrollment, others: Iterable[Enrollment]) -> bool:
        live = [one for one in others if one.sequence_id in self.live and one is not waiting]
        return any(
            one.status is EnrollmentStatus.ACTIVE or (one.status in LIVE and one.id < waiting.id) for one in live
        )

    def _step_aside(self, off: Sequence[Enrollment]) -> set[int]:
        """Deactivate series that are off; return the people for whom such a series still has a mail on the wire."""
        if not off:
            return set()
        look = select(Enrollment).where(Enrollment.id.in_([one.id for one in off]), Enrollment.message_id.is_(None))
        held = self.session.scalars(
            look.with_for_update(skip_locked=True, of=Enrollment).execution_options(populate_existing=True)
        ).all()
        for one in held:
            one.step_aside(self.now)
        # Before others are activated: the index allows one active series a person at any moment.
        self.session.flush()
        return {one.subscriber_id for one in off} - {one.subscriber_id for one in held}

    def _next(self, enrollment: Enrollment) -> DueStep | None:
        """The step this person should get now; None: not yet, or nothing is left."""
        step = enrollment.next_step
        if not enrollment.subscriber.takes(Stream.STEP):
            self._end(enrollment, EnrollmentStatus.STOPPED, Reason.SERIES_NOT_ELIGIBLE)
        elif step is None:
            self._end(enrollment, EnrollmentStatus.FINISHED)
        else:
            enrollment.catch_up(self.now)
            enrollment.due_at = enrollment.due(step, self.zone, self.now)
            if enrollment.due_at <= self.now:
                return DueStep(enrollment, step)
        return None

    def _queue(self, due: Sequence[DueStep]) -> None:
        """Queue the mails of those whose day is free of other mail."""
        people = {one.enrollment.subscriber_id: self._zone(one.enrollment) for one in due}
        busy = other_mail(self.session, people, self.now, self.mailings) if self.wait else {}
        going = [one for one in due if self._may_go(one, busy.get(one.enrollment.subscriber_id, set()))]
        queue_mails(self.session, going, self.now, self.accents)

    def _may_go(self, one: DueStep, busy: Collection[date]) -> bool:
        enrollment, zone = one.enrollment, self._zone(one.enrollment)
        since = enrollment.waiting_since or self.now
        at = goes_at(self.now, since, one.step.delay, busy, zone, self.wait)
        if at <= self.now:
            return True
        enrollment.due_at = at
        if at > allowed_from(self.now, one.step.delay, zone):
            enrollment.waiting_since = since
        return False

    def write(self) -> None:
        """Write all that changed, and wake those who waited for a series that ended."""
        for enrollment in self.touched.values():
            for column in _COLUMNS:  # all columns for all rows, so that one statement updates many
                flag_modified(enrollment, column)
        self.session.flush()
        wake(self.session, self.ended, self.now)
        self.touched.clear()
        self.ended.clear()
