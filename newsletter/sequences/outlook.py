"""The week ahead: estimates how many articles go out on which day, by groups of people rather than one by one."""

from collections.abc import Collection
from collections.abc import Sequence as SequenceOf
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Integer, and_, case, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from newsletter import brand
from newsletter.brand import Brand
from newsletter.figures import figure_if_kept
from newsletter.mail.ledger import UNDER_WAY, Lane, Message, State
from newsletter.sequences.delay import due_after, local_day
from newsletter.sequences.enrollment import Enrollment, EnrollmentStatus
from newsletter.sequences.pacing import goes_at
from newsletter.sequences.place import Place
from newsletter.sequences.sequence import Sequence
from newsletter.subscribers import Mailing, Subscriber
from newsletter.zones import zone_named

MOST_MAILINGS = 12
"""Campaigns considered; articles that would give way to more of them are counted as if they did not."""
WEEKLY, TODAY = 1 << MOST_MAILINGS, 1 << (MOST_MAILINGS + 1)
"""Bits above those of the campaigns: gets them in a weekly mail; has had other mail today."""
Crowd = tuple[int, int | None, int, int, int]
"""Series, place, day, campaigns (a bit each), and how many people of this kind have their next article that day."""


def articles_on(session: Session, days: SequenceOf[date], zone: str, now: datetime,
                mailings: Collection[Mailing] = ()) -> list[int] | None:  # fmt: skip
    """Estimate how many series articles go out on each of these consecutive days; `zone`: an IANA name.

    What is late counts for the first day. People are grouped by how far they are and by which of the `mailings` they
    get, all as if they lived in this zone. Articles give way as in the scheduler (`goes_at`). None: so many are due
    that they are counted in the background; a later request has the figures.
    """
    ends = [datetime.combine(day + timedelta(days=1), time(0), zone_named(zone)) for day in days]
    near = tuple(sorted((one for one in mailings if one.goes_at(zone) < ends[-1]), key=lambda one: one.at))
    near = near[:MOST_MAILINGS]
    key = ("articles ahead", zone, days[0], len(days), near)
    crowds = figure_if_kept(session, key, lambda it: _crowds(it, ends, near, now))
    if crowds is None:
        return None
    series = {one.id: one for one in session.scalars(select(Sequence))}
    places = {one.id: one for one in session.scalars(select(Place))}
    current_brand, counts = brand.current(session), [0] * len(days)
    for sequence, place, first, bits, people in crowds:
        busy = _busy(current_brand, near, bits, zone, now)
        at = datetime.combine(days[first], time(12), zone_named(zone))
        for number, step in enumerate(series[sequence].ahead(places[place] if place else None)):
            due = due_after(at, step.delay, zone) if number else at
            at = goes_at(due, due, step.delay, busy, zone, current_brand.series_wait_days)
            day = (local_day(at, zone) - days[0]).days
            if day >= len(days):
                break
            counts[day] += people
    return counts


def _busy(current_brand: Brand, mailings: SequenceOf[Mailing], bits: int, zone: str, now: datetime) -> set[date]:
    """The days on which this group gets other mail."""
    moments = [max(one.goes_at(zone), now) for number, one in enumerate(mailings) if bits & 1 << number]
    at = [current_brand.next_digest(one, zone) for one in moments] if bits & WEEKLY else moments
    return {local_day(one, zone) for one in [*at, *([now] if bits & TODAY else ())]}


def _crowds(session: Session, ends: SequenceOf[datetime], mailings: SequenceOf[Mailing],
            now: datetime) -> list[Crowd]:  # fmt: skip
    """Count the groups, series by series, so that each uses the index by series."""
    day = case(*((Enrollment.due_at < end, number) for number, end in enumerate(ends)), else_=len(ends) - 1)
    bits = _bits(mailings, ends[0], now).label("bits")
    look = (
        select(Enrollment.place_id, day, bits, func.count())
        .join(Subscriber, Subscriber.id == Enrollment.subscriber_id)
        .where(Enrollment.status == EnrollmentStatus.ACTIVE, Enrollment.due_at < ends[-1])
        .where(Enrollment.due_at.is_not(None), Enrollment.message_id.is_(None))
        .group_by(Enrollment.place_id, day, bits)
    )
    live = session.scalars(select(Sequence.id).where(Sequence.live)).all()
    return [
        (sequence, place, first, bits, people)
        for sequence in live
        for place, first, bits, people in session.execute(look.where(Enrollment.sequence_id == sequence))
    ]


def _bits(mailings: SequenceOf[Mailing], today: datetime, now: datetime) -> ColumnElement[int]:
    """The bits of a person's campaigns, and whether they have had mail today. `today`: the end of the day."""
    whole: ColumnElement[int] = literal(0, Integer)
    for number, one in enumerate(mailings):
        whole += case((one.segment.members(), 1 << number), else_=0)
    if mailings:
        whole += case((Subscriber.digest, WEEKLY), else_=0)
    # Only checked for those due today.
    return whole + case((and_(Enrollment.due_at < today, _has_mail_today(today - timedelta(days=1))), TODAY), else_=0)


def _has_mail_today(since: datetime) -> ColumnElement[bool]:
    went = Message.settled_at >= since, Message.state.not_in((*UNDER_WAY, State.FAILED, State.CANCELLED))
    theirs = Message.subscriber_id == Enrollment.subscriber_id, Message.lane == Lane.BULK
    return exists().where(*theirs, or_(and_(*went), Message.state.in_(UNDER_WAY)))
