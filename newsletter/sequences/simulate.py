"""The calendar: what a person will receive and when, by the scheduler's own rules."""

from collections.abc import Collection, Iterable
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import brand
from newsletter.sequences.delay import due_after, local_day
from newsletter.sequences.enrollment import LIVE, Enrollment, EnrollmentStatus
from newsletter.sequences.pacing import days_of, goes_at, other_mail
from newsletter.sequences.sequence import Sequence, Step
from newsletter.subscribers import Mailing, Stream


class Standing(StrEnum):
    """What an enrollment waits for."""

    ITS_TIME = "its time"
    OTHER_MAIL = "other mail"
    """Its step is due but gives way to other marketing mail."""
    ITS_MAIL = "its mail"
    """The step's mail is queued."""
    ITS_TURN = "its turn"
    """Another series of this person goes first."""
    PAUSED = "paused"
    """Paused by the reader; its clock stands still."""
    SWITCHED_OFF = "switched off"
    NOBODY = "nobody"
    """The person may not receive it: they have left, or the address is dead."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Planned:
    """A step, and when it goes if every mail before it goes on time. `waits`: other mail goes first."""

    step: Step
    due_at: datetime
    waits: bool = False


def simulate(sequence: Sequence, start: datetime, zone: str, wait: int = 2,
             mailings: Iterable[Mailing] = ()) -> list[Planned]:  # fmt: skip
    """Everything a person would receive who enters the sequence at `start` (aware) in this zone.

    `wait`: days for which a step gives way; `mailings`: the planned campaigns. The person takes the newsletter.
    """
    busy = days_of(mailings, start, zone, sequence.guide_slug)
    return _from(sequence.ahead(None), start, zone, busy, wait)


def standing(enrollment: Enrollment) -> Standing:
    """What this enrollment waits for."""
    if enrollment.status not in LIVE:
        return Standing.ENDED
    if not enrollment.subscriber.takes(Stream.STEP):
        return Standing.NOBODY
    if enrollment.subscriber.is_paused:
        return Standing.PAUSED
    if not enrollment.sequence.live:
        return Standing.SWITCHED_OFF
    if enrollment.message_step is not None:
        return Standing.ITS_MAIL
    if enrollment.status is EnrollmentStatus.WAITING:
        return Standing.ITS_TURN
    return Standing.OTHER_MAIL if enrollment.waiting_since else Standing.ITS_TIME


def what_is_next(session: Session, enrollment: Enrollment, zone: str, now: datetime,
                 mailings: Iterable[Mailing] = ()) -> list[Planned]:  # fmt: skip
    """Everything this person will still receive of a series, given the campaigns planned for them.

    A waiting one begins when those before it have ended; one that is off is treated as if switched on now.
    """
    if standing(enrollment) in (Standing.ENDED, Standing.NOBODY):
        return []
    place, person = enrollment.subscriber.zone or zone, enrollment.subscriber_id
    own = {enrollment.message_id} if enrollment.message_id else set()
    busy = other_mail(session, {person: place}, now, mailings, own)[person]
    wait = brand.current(session).series_wait_days
    if enrollment.status is EnrollmentStatus.WAITING:
        begin, taken = _end_of_those_before(session, enrollment, zone, now, mailings)
        begin = max(begin, enrollment.subscriber.paused_until or begin)
        anchor = enrollment.anchor_at + (begin - (enrollment.stopped_at or begin))
        return _from(enrollment.ahead, anchor, place, busy | taken, wait, begin)
    ahead = enrollment.ahead
    if enrollment.message_step is not None:
        at = max(enrollment.message.due_at or now, now) if enrollment.message else now
        rest = [step for step in ahead if step is not enrollment.message_step]
        taken = busy | {local_day(at, place)}
        return [Planned(enrollment.message_step, at), *_from(rest, at, place, taken, wait)]
    return _active(enrollment, ahead, zone, now, busy, wait)


def soonest(session: Session, count: int) -> list[Enrollment]:
    """The enrollments of live series whose next step is due first."""
    rows: list[Enrollment] = []
    for sequence in session.scalars(select(Sequence.id).where(Sequence.live)).all():  # each by its own index
        theirs = select(Enrollment).where(Enrollment.sequence_id == sequence, Enrollment.due_at.is_not(None))
        active = theirs.where(Enrollment.status == EnrollmentStatus.ACTIVE).order_by(Enrollment.due_at)
        rows += session.scalars(active.limit(count))
    return sorted((one for one in rows if one.next_step), key=lambda one: (one.due_at or one.anchor_at, one.id))[:count]


def _active(enrollment: Enrollment, ahead: SequenceOf[Step], zone: str, now: datetime, busy: Collection[date],
            wait: int) -> list[Planned]:  # fmt: skip
    if not ahead:
        return []
    place = enrollment.subscriber.zone or zone
    due = max(enrollment.due(ahead[0], zone, now), now)
    if enrollment.sequence.live and enrollment.due_at is not None:
        due = max(due, enrollment.due_at)  # the slot it was given in a crowd, or its next check
    at = goes_at(due, enrollment.waiting_since or due, ahead[0].delay, busy, place, wait)
    first = Planned(ahead[0], at, at > due or enrollment.waiting_since is not None)
    return [first, *_from(ahead[1:], at, place, {*busy, local_day(at, place)}, wait)]


def _end_of_those_before(session: Session, enrollment: Enrollment, zone: str, now: datetime,
                         mailings: Iterable[Mailing]) -> tuple[datetime, set[date]]:  # fmt: skip
    """When the last series before this one ends, and the days they send on. Series that are off do not count."""
    before = session.scalars(
        select(Enrollment)
        .join(Sequence, Sequence.id == Enrollment.sequence_id)
        .where(Enrollment.subscriber_id == enrollment.subscriber_id, Enrollment.status.in_(LIVE), Sequence.live)
        .where((Enrollment.status == EnrollmentStatus.ACTIVE) | (Enrollment.id < enrollment.id))
    ).all()
    place = enrollment.subscriber.zone or zone
    planned = [one for other in before for one in what_is_next(session, other, zone, now, mailings)]
    return max([now, *(one.due_at for one in planned)]), {local_day(one.due_at, place) for one in planned}


def _from(steps: SequenceOf[Step], anchor: datetime, zone: str, busy: Collection[date], wait: int,
          not_before: datetime | None = None) -> list[Planned]:  # fmt: skip
    planned: list[Planned] = []
    taken = set(busy)
    for step in steps:
        due = max(due_after(anchor, step.delay, zone), not_before or anchor)
        anchor = goes_at(due, due, step.delay, taken, zone, wait)
        taken.add(local_day(anchor, zone))
        planned.append(Planned(step, anchor, anchor > due))
    return planned
