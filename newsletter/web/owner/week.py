"""The week ahead: campaigns, and an estimate of series articles, by day in the owner's zone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import sequences
from newsletter.campaigns import Campaign, CampaignState, Coming, Part, instants_to_come, planned, to_come
from newsletter.sequences import local_day

DAYS = 7
ON_THEIR_WAY = (CampaignState.SCHEDULED, CampaignState.SENDING)


@dataclass(frozen=True, slots=True)
class Ahead:
    """One of the coming days."""

    day: date
    articles: int | None
    """Estimated number for all series; None while they are counted."""
    campaigns: Sequence[Coming] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is sent."""
        return self.articles == 0 and not self.campaigns


def week_ahead(session: Session, at: datetime, zone: str) -> list[Ahead]:
    """Today and the next six days."""
    today = local_day(at, zone)
    days = [today + timedelta(days=number) for number in range(DAYS)]
    counted = sequences.articles_on(session, days, zone, at, planned(session))
    articles: Sequence[int | None] = counted or [None] * DAYS
    campaigns: dict[date, list[Coming]] = {}
    for one in _coming(session, at, at + timedelta(days=DAYS), zone):
        campaigns.setdefault(max(today, local_day(one.at, zone)), []).append(one)
    return [Ahead(day, many, campaigns.get(day, [])) for day, many in zip(days, articles, strict=True)]


def _coming(session: Session, at: datetime, until: datetime, zone: str) -> list[Coming]:
    """Mailings planned before `until`, soonest first: an A/B test once, and again when the rest gets the winner."""
    scheduled = select(Campaign).where(
        Campaign.stored_state == CampaignState.SCHEDULED, Campaign.scheduled_at < until,
        Campaign.part.is_distinct_from(Part.B),
    )  # fmt: skip
    found = [Coming(one.scheduled_at, one, one.part) for one in session.scalars(scheduled) if one.scheduled_at]
    found = [one for one in found if not one.campaign.own_time] + _at_own_times(session, at, until, zone)
    found += [Coming(then, test.a, Part.REST) for then, test, _ in to_come(session) if then < until]
    return sorted(found, key=lambda one: (one.at, one.campaign.id))


def _at_own_times(session: Session, at: datetime, until: datetime, zone: str) -> list[Coming]:
    """Campaigns at everyone's own time, once per day on which somebody gets them."""
    look = select(Campaign).where(Campaign.own_time.is_not(None), Campaign.stored_state.in_(ON_THEIR_WAY))
    found: dict[tuple[int, date], Coming] = {}
    for one in session.scalars(look.order_by(Campaign.id)):
        for then in instants_to_come(session, one, at):
            if then < until:
                found.setdefault((one.id, local_day(then, zone)), Coming(then, one, one.part))
    return list(found.values())
