"""Finds which campaigns a person will get and when, with the conditions that select recipients."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from newsletter.brand import current
from newsletter.campaigns.ab_choice import to_come
from newsletter.campaigns.campaign import Campaign, CampaignState, Part
from newsletter.campaigns.own_time import own_time_of
from newsletter.mail.ledger import Hold
from newsletter.mail.ledger.opening import waits_until
from newsletter.subscribers import Segment, Subscriber


@dataclass(frozen=True, slots=True)
class Coming:
    """A campaign planned for a person."""

    at: datetime
    campaign: Campaign
    """For an undecided rest of an A/B test: its A."""
    part: Part | None
    """In an A/B test. REST comes at this time at the earliest."""
    weekly: bool = False
    """Whether it comes in the weekly mail of that time."""
    own: str = ""
    """Their local clock time, for a campaign at everyone's own time."""


def coming_to(session: Session, person: Subscriber) -> list[Coming]:
    """What is planned for this person, soonest first. In an A/B test they are in one part only."""
    found = []
    for one, at in _planned_for(session, person):
        found.append(_coming(session, person, at, one, one.part))
    for at, test, rest in to_come(session):
        until = test.a.dispatch.fill_until if test.a.dispatch else person.id
        if person.id <= until and _is_for(session, person, rest.audience(at), at):
            found.append(_coming(session, person, at, test.a, Part.REST))
    return sorted(found, key=lambda one: one.at)


def _planned_for(session: Session, person: Subscriber) -> Iterator[tuple[Campaign, datetime]]:
    """Yield campaigns that wait for their time or for this person's own, with that time."""
    waits = or_(
        Campaign.stored_state == CampaignState.SCHEDULED,
        (Campaign.stored_state == CampaignState.SENDING) & Campaign.own_time.is_not(None),
    )
    for one in session.scalars(select(Campaign).where(waits).order_by(Campaign.id)):
        if one.dispatch is not None and person.id <= one.dispatch.filled_to:
            at = waits_until(session, one.dispatch, person.id) if one.dispatch.hold is Hold.OPEN else None
            if at and _is_for(session, person, Segment(topic=one.topic_id), at):  # as the claim will check
                yield one, at
        elif (begins := one.scheduled_at) and (one.dispatch is None or person.id <= one.dispatch.fill_until):
            own = own_time_of(session, one)
            at = max(begins, own.instant(person.zone)) if own else begins
            # A reader paused at its start is not in it, even if the pause ends before their own hour.
            if _is_for(session, person, one.audience(begins), begins):
                yield one, at


def _coming(session: Session, person: Subscriber, at: datetime, campaign: Campaign, part: Part | None) -> Coming:
    if person.digest:
        return Coming(current(session).next_digest(at, person.zone), campaign, part, weekly=True)
    own = own_time_of(session, campaign)
    return Coming(at, campaign, part, own=f"{own.on_clock(at, person.zone):%H:%M}" if own else "")


def _is_for(session: Session, person: Subscriber, segment: Segment, at: datetime) -> bool:
    if person.paused_until is not None and person.paused_until > at:
        return False
    mine = select(Subscriber.id).where(Subscriber.id == person.id, segment.members())
    return session.scalar(mine) is not None
