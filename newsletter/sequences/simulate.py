"""The calendar: what will Jane receive, and when, answered with the scheduler's own rule."""

from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.sequences.delay import due_after
from newsletter.sequences.enrollment import LIVE, Course, Enrollment
from newsletter.sequences.sequence import Sequence, Step


@dataclass(frozen=True, slots=True)
class Planned:
    """A step and when it will be due if every mail before it goes out at its time."""

    step: Step
    due_at: datetime


def simulate(sequence: Sequence, start: datetime, zone: str) -> list[Planned]:
    """Everything a person would receive who enters the sequence at `start` (aware) in this zone."""
    return _from(sequence, None, start, zone)


def what_is_next(session: Session, enrollment: Enrollment, zone: str, now: datetime) -> list[Planned]:
    """Everything this person will still receive of a series; one that waits begins when those before it have ended."""
    place = enrollment.subscriber.zone or zone
    if enrollment.course is Course.WAITING:
        return _from(enrollment.sequence, None, _end_of_those_before(session, enrollment, zone, now), place)
    if enrollment.course is not Course.ACTIVE:
        return []
    if enrollment.message_step is not None:
        return [
            Planned(enrollment.message_step, now),
            *_from(enrollment.sequence, enrollment.message_step, now, place),
        ]
    step = enrollment.next_step
    if step is None or enrollment.due_at is None:
        return []
    due = max(enrollment.due_at, now)
    return [Planned(step, due), *_from(enrollment.sequence, step, due, place)]


def _end_of_those_before(session: Session, enrollment: Enrollment, zone: str, now: datetime) -> datetime:
    before = session.scalars(
        select(Enrollment)
        .where(Enrollment.subscriber_id == enrollment.subscriber_id, Enrollment.course.in_(LIVE))
        .where((Enrollment.course == Course.ACTIVE) | (Enrollment.id < enrollment.id))
    ).all()
    ends = [planned[-1].due_at for one in before if (planned := what_is_next(session, one, zone, now))]
    return max([now, *ends])


def _from(sequence: Sequence, last: Step | None, anchor: datetime, zone: str) -> list[Planned]:
    planned: list[Planned] = []
    steps: SequenceOf[Step] = [s for s in sequence.current_steps if last is None or s.position > last.position]
    for step in steps:
        anchor = due_after(anchor, step.delay, zone)
        planned.append(Planned(step, anchor))
    return planned
