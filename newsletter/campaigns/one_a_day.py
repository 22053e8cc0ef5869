"""One mail a day: a campaign that leaves out who gets another one of the kind on its day.

Of two that both do, the one that goes first keeps its readers, so nobody is left with neither. To whom it gives way is
looked for when its time is set, and once more when it goes out; from then on it stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.campaigns.campaign import TO_COME, Campaign
from newsletter.campaigns.left_out import A_DAY, day_of
from newsletter.subscribers import Segment

Day = tuple[datetime, datetime]
MOST = 10
"""Other campaigns of one day that are looked at; more go out on no day that was meant."""


@dataclass(frozen=True, slots=True)
class SameDay:
    """What else goes out on the day of a campaign, and to whom of its audience."""

    others: tuple[Campaign, ...]
    audience: Segment
    """Without those who get two."""


def same_day(session: Session, campaign: Campaign, at: datetime, own: datetime | None, now: datetime,
             zone: str) -> SameDay:  # fmt: skip
    """What its day in this zone would hold, were it to go at this time; `own`: at this local time of everyone's own."""
    day = day_of(at, own, zone)
    others = tuple(_others(session, campaign, at, day, zone))
    besides = tuple(one.whole_audience(now) for one in others)
    return SameDay(others, replace(campaign.whole_audience(now), besides=besides, quiet_since=day[0]))


def give_way(session: Session, campaign: Campaign) -> None:
    """Write down to which campaigns of its day it gives way; to none where it is not asked to."""
    at = campaign.launched_at or campaign.scheduled_at
    if not campaign.one_a_day or at is None:
        campaign.rivals = []
        return
    day = day_of(at, campaign.own_time, campaign.zone)
    campaign.rivals = list(_others(session, campaign, at, day, campaign.zone))


def _others(session: Session, campaign: Campaign, at: datetime, day: Day, zone: str) -> Sequence[Campaign]:
    """Those of the day that have their readers before it has: it gives way to them."""
    begin, end = day
    look = select(Campaign).where(
        Campaign.stored_state.in_(TO_COME), Campaign.id.is_distinct_from(campaign.id),
        Campaign.scheduled_at >= begin - A_DAY, Campaign.scheduled_at < end + A_DAY,
    )  # fmt: skip
    if campaign.lot is not None:  # the parts of a test share nobody
        look = look.where(Campaign.lot.is_distinct_from(campaign.lot))
    rows = session.scalars(look.order_by(Campaign.scheduled_at, Campaign.id))
    mine = (campaign.launched_at is None, at, campaign.id or 0)
    return [one for one in rows if _is_on(one, zone, day) and not (one.one_a_day and _turn(one) > mine)][:MOST]


def _is_on(one: Campaign, zone: str, day: Day) -> bool:
    at = one.launched_at or one.scheduled_at
    return at is not None and day_of(at, one.own_time, zone) == day


def _turn(one: Campaign) -> tuple[bool, datetime, int]:
    """Who keeps their readers of two that both give way: the first that goes out."""
    return one.launched_at is None, one.launched_at or one.scheduled_at or one.created_at, one.id
