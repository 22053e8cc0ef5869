"""Which campaigns somebody will get, and when: asked with the condition that picks their recipients."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.brand import current
from newsletter.campaigns.ab_choice import to_come
from newsletter.campaigns.campaign import Campaign, CampaignState, Part
from newsletter.subscribers import Segment, Subscriber


@dataclass(frozen=True, slots=True)
class Coming:
    """A campaign that is planned for somebody."""

    at: datetime
    campaign: Campaign
    """Of the rest of an A/B test that is not decided yet: its A."""
    part: Part | None
    """Of an A/B test. What wins comes at this time at the soonest."""
    weekly: bool = False
    """In the weekly mail of that time."""


def coming_to(session: Session, person: Subscriber) -> list[Coming]:
    """What is planned for this person, the soonest first. An A/B test has them in one part and no other."""
    scheduled = select(Campaign).where(Campaign.stored_state == CampaignState.SCHEDULED)
    found = []
    for one in session.scalars(scheduled):
        if one.scheduled_at and _is_for(session, person, one.audience(one.scheduled_at), one.scheduled_at):
            found.append(_coming(session, person, one.scheduled_at, one, one.part))
    for at, test, rest in to_come(session):
        until = test.a.dispatch.fill_until if test.a.dispatch else person.id
        if person.id <= until and _is_for(session, person, rest.audience(at), at):
            found.append(_coming(session, person, at, test.a, Part.REST))
    return sorted(found, key=lambda one: one.at)


def _coming(session: Session, person: Subscriber, at: datetime, campaign: Campaign, part: Part | None) -> Coming:
    if person.digest:
        return Coming(current(session).next_digest(at, person.zone), campaign, part, weekly=True)
    return Coming(at, campaign, part)


def _is_for(session: Session, person: Subscriber, segment: Segment, at: datetime) -> bool:
    if person.paused_until is not None and person.paused_until > at:
        return False
    mine = select(Subscriber.id).where(Subscriber.id == person.id, segment.members())
    return session.scalar(mine) is not None
