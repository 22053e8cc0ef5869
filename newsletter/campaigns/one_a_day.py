"""One mail a day: lets a campaign leave out readers who get another marketing mail on its day.

Of two campaigns that both do so, the one that goes first keeps its readers, so everybody gets one. Which campaigns it
gives way to is determined when its time is set, and finally at launch.
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
"""Other campaigns considered per day; nobody plans more."""


@dataclass(frozen=True, slots=True)
class SameDay:
    """The other campaigns of a campaign's day, and what they leave of its audience."""

    others: tuple[Campaign, ...]
    audience: Segment
    """The campaign's audience without those who would get two mails."""


def same_day(session: Session, campaign: Campaign, at: datetime, own: datetime | None, now: datetime,
             zone: str) -> SameDay:  # fmt: skip
    """What else goes out on its day in `zone` if it is sent at `at`, or at everyone's own local time `own`."""
    day = day_of(at, own, zone)
    others = tuple(_others(session, campaign, at, day, zone))
    besides = tuple(one.whole_audience(now) for one in others)
    return SameDay(others, replace(campaign.whole_audience(now), besides=besides, quiet_since=day[0]))


def give_way(session: Session, campaign: Campaign) -> None:
    """Store the campaigns that it gives way to: none unless `one_a_day` is set."""
    at = campaign.launched_at or campaign.scheduled_at
    if not campaign.one_a_day or at is None:
        campaign.rivals = []
        return
    day = day_of(at, campaign.own_time, campaign.zone)
    campaign.rivals = list(_others(session, campaign, at, day, campaign.zone))


def _others(session: Session, campaign: Campaign, at: datetime, day: Day, zone: str) -> Sequence[Campaign]:
    """The campaigns of the day that it gives way to: all but those that give way themselves and go later."""
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
    """Sort key: of two campaigns that both give way, the lower one goes first and keeps its readers."""
    return one.launched_at is None, one.launched_at or one.scheduled_at or one.created_at, one.id
