"""The week ahead: campaigns and about how many articles of series, day by day in the owner's zone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import sequences
from newsletter.campaigns import Campaign, CampaignState
from newsletter.sequences import local_day

DAYS = 7


@dataclass(frozen=True, slots=True)
class Ahead:
    """One day to come."""

    day: date
    articles: int
    """About so many, of all series."""
    campaigns: Sequence[Campaign] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing goes out."""
        return not self.articles and not self.campaigns


def week_ahead(session: Session, at: datetime, zone: str) -> list[Ahead]:
    """Today and the six days behind it."""
    today = local_day(at, zone)
    days = [today + timedelta(days=number) for number in range(DAYS)]
    articles = sequences.articles_on(session, days, zone)
    coming = select(Campaign).where(
        Campaign.stored_state == CampaignState.SCHEDULED, Campaign.scheduled_at < at + timedelta(days=DAYS)
    )
    campaigns: dict[date, list[Campaign]] = {}
    for one in session.scalars(coming.order_by(Campaign.scheduled_at, Campaign.id)):
        campaigns.setdefault(max(today, local_day(one.scheduled_at or at, zone)), []).append(one)
    return [Ahead(day, many, campaigns.get(day, [])) for day, many in zip(days, articles, strict=True)]
