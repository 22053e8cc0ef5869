"""Which campaigns somebody will get, and when: asked with the condition that picks their recipients."""

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
    """A campaign that is planned for somebody."""

    at: datetime
    campaign: Campaign
    """Of the rest of an A/B test that is not decided yet: its A."""
    part: Part | None
    """Of an A/B test. What wins comes at this time at the soonest."""
    weekly: bool = False
    """In the weekly mail of that time."""
    own: str = ""
    """What their own clock says then, of a campaign at everyone's own time."""


def coming_to(session: Session, person: Subscriber) -> list[Coming]:
    """What is planned for this person, the soonest first. An A/B test has them in one part and no other."""
    found = []
    for one, at in _planned_for(session, person):
        found.append(_coming(session, person, at, one, one.part))
    for at, test, rest in to_come(session):
        until = test.a.dispatch.fill_until if test.a.dispatch else person.id
        if person.id <= until and _is_for(session, person, rest.audience(at), at):
            found.append(_coming(session, person, at, test.a, Part.REST))
    return sorted(found, key=lambda one: one.at)


def _planned_for(session: Session, person: Subscriber) -> Iterator[tuple[Campaign, datetime]]:
    """The campaigns that wait for their time, or for this person's own: when that is."""
    waits = or_(
        Campaign.stored_state == CampaignState.SCHEDULED,
        (Campaign.stored_state == CampaignState.SENDING) & Campaign.own_time.is_not(None),
    )
    for one in session.scalars(select(Campaign).where(waits).order_by(Campaign.id)):
        if one.dispatch is not None and person.id <= one.dispatch.filled_to:
            at = waits_until(session, one.dispatch, person.id) if one.dispatch.hold is Hold.OPEN else None
            if at and _is_for(session, person, Segment(topic=one.topic_id), at):  # as the claim will ask
                yield one, at
        elif (begins := one.scheduled_at) and (one.dispatch is None or person.id <= one.dispatch.fill_until):
            own = own_time_of(session, one)
            at = max(begins, own.instant(person.zone)) if own else begins
            # Whoever has paused when it begins is not in it, even if their pause is over by their own hour.
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
