"""Giving way: at most one marketing mail per person and day. The scheduler and the calendar share this code."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import literal, or_, select
from sqlalchemy.orm import Session

from newsletter import brand
from newsletter.mail.ledger import UNDER_WAY, Dispatch, Hold, Lane, Message, State
from newsletter.mail.ledger.digest import WAITING, DigestEntry
from newsletter.mail.ledger.opening import hours_of
from newsletter.sequences.delay import Delay, allowed_from, local_day, next_day
from newsletter.subscribers import Mailing, Segment, Subscriber

A_DAY_ANYWHERE = timedelta(hours=40)
"""Mail sent longer ago was not sent today in any zone, even across a clock change."""


def goes_at(due: datetime, since: datetime, delay: Delay, busy: Collection[date], zone: str, wait: int) -> datetime:
    """When a step due at `due` goes: at that time on the first day without other marketing mail.

    `busy`: the local days on which this person gets other mail. The step gives way for at most `wait` days from
    `since`, when it could first have gone. Its weekdays and window always apply.
    """
    at = allowed_from(due, delay, zone)
    latest = next_day(since, delay, zone, wait)
    while at < latest and local_day(at, zone) in busy:
        at = min(next_day(at, delay, zone), latest)
    return at


def other_mail(session: Session, people: Mapping[int, str], now: datetime, mailings: Iterable[Mailing],
               own: Collection[int] = ()) -> dict[int, set[date]]:  # fmt: skip
    """For each of these people (id: zone) the local days, from today, taken by other marketing mail.

    That is what went today or is under way, and every campaign planned for them; for a reader of the weekly mail, its
    day. `own`: messages to ignore, such as the one in question.
    """
    busy: dict[int, set[date]] = {person: set() for person in people}
    if not people:
        return busy
    current_brand = brand.current(session)
    for person, at, waits in _going(session, people, now, own):
        there = people[person]
        busy[person].add(local_day(max(current_brand.next_digest(at, there), now) if waits else at, there))
    for segment, of_segment in _by_segment(mailings).items():
        into = select(Subscriber.id, Subscriber.paused_until, Subscriber.digest)
        for person, paused_until, digest in session.execute(into.where(Subscriber.id.in_(people), segment.members())):
            there = people[person]
            moments = (max(one.goes_at(there), now) for one in of_segment)
            coming = (at for at in moments if paused_until is None or paused_until <= at)
            busy[person].update(
                local_day(current_brand.next_digest(at, there) if digest else at, there) for at in coming
            )
    return busy


def _going(session: Session, people: Collection[int], now: datetime,
           own: Collection[int]) -> Iterator[tuple[int, datetime, bool]]:  # fmt: skip
    """Yield mail sent lately or under way as (person, time, False), and what waits for a weekly mail with True."""
    went = Message.settled_at > now - A_DAY_ANYWHERE
    under_way = Message.state.in_(UNDER_WAY) & or_(Message.dispatch_id.is_(None), Dispatch.hold == Hold.OPEN)
    sent = (
        select(Message.subscriber_id, Message.settled_at, Message.id)
        .outerjoin(Dispatch, Dispatch.id == Message.dispatch_id)
        .where(Message.subscriber_id.in_(people), Message.lane == Lane.BULK)
        .where(or_(went & Message.state.not_in((*UNDER_WAY, State.FAILED, State.CANCELLED)), under_way))
    )
    waits = select(DigestEntry.subscriber_id, DigestEntry.counts_from, literal(0))
    rows = session.execute(sent.union_all(waits.where(*WAITING, DigestEntry.subscriber_id.in_(people)))).all()
    hours = hours_of(session, people) if any(at is None for _, at, _ in rows) else {}
    for person, at, id in rows:
        if person is not None and id not in own:
            yield person, at or hours.get(id) or now, id == 0


def days_of(mailings: Iterable[Mailing], now: datetime, zone: str, guide: str | None) -> set[date]:
    """The local days of campaigns for a model reader: takes every topic, asked for this guide, has no tag.

    In an A/B test they are one of the rest; no campaign leaves them out.
    """
    theirs = (Segment(), Segment(guide))
    all_but_tested = (one for one in mailings if one.segment.slice is None or one.segment.slice.has_the_last_place)
    whole = (
        (one.goes_at(zone), Segment(one.segment.guide, one.segment.tag, one.segment.rules)) for one in all_but_tested
    )
    return {local_day(max(at, now), zone) for at, segment in whole if segment in theirs}


def _by_segment(mailings: Iterable[Mailing]) -> dict[Segment, list[Mailing]]:
    segments: dict[Segment, list[Mailing]] = {}
    for one in mailings:
        segments.setdefault(one.segment, []).append(one)
    return segments
