"""The outlook: about how many articles go out on each of the days to come."""

from collections.abc import Sequence as SequenceOf
from datetime import date, datetime, time, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from newsletter.figures import figure
from newsletter.sequences.delay import due_after, local_day
from newsletter.sequences.enrollment import Enrollment, EnrollmentStatus
from newsletter.sequences.place import Place
from newsletter.sequences.sequence import Sequence
from newsletter.zones import zone_named

Crowd = tuple[int, int | None, int, int]
"""Series, place, day, and how many people have their next article then."""


def articles_on(session: Session, days: SequenceOf[date], zone: str) -> list[int]:
    """About how many articles of series go out on each of these days, which follow each other; zone: an IANA name.

    What is late counts for the first day. People are counted by how far they have come, not one by one: all of them as
    if they lived in this zone, and nothing gives way to other mail.
    """
    ends = [datetime.combine(day + timedelta(days=1), time(0), zone_named(zone)) for day in days]
    crowds = figure(session, ("articles ahead", zone, days[0], len(days)), lambda it: _crowds(it, ends))
    series = {one.id: one for one in session.scalars(select(Sequence))}
    places = {one.id: one for one in session.scalars(select(Place))}
    counts = [0] * len(days)
    for sequence, place, first, people in crowds:
        at = datetime.combine(days[first], time(12), zone_named(zone))
        for number, step in enumerate(series[sequence].ahead(places[place] if place else None)):
            at = due_after(at, step.delay, zone) if number else at
            day = (local_day(at, zone) - days[0]).days
            if day >= len(days):
                break
            counts[day] += people
    return counts


def _crowds(session: Session, ends: SequenceOf[datetime]) -> list[Crowd]:
    """Each series by its own index of who is due."""
    day = case(*((Enrollment.due_at < end, number) for number, end in enumerate(ends)), else_=len(ends) - 1)
    look = (
        select(Enrollment.place_id, day, func.count())
        .where(Enrollment.status == EnrollmentStatus.ACTIVE, Enrollment.due_at < ends[-1])
        .where(Enrollment.due_at.is_not(None), Enrollment.message_id.is_(None))
        .group_by(Enrollment.place_id, day)
    )
    live = session.scalars(select(Sequence.id).where(Sequence.live)).all()
    return [
        (sequence, place, first, people)
        for sequence in live
        for place, first, people in session.execute(look.where(Enrollment.sequence_id == sequence))
    ]
