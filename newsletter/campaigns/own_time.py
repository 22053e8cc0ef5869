"""Everyone's own time: campaigns that go to each reader at a given time on their own clock.

A reader's zone is the one they chose, else the owner's. Until the first reader gets it nothing is fixed: it can be
changed, and readers count as they are then. At that moment its recipients are written, as for any campaign, each with
an instant; a reader who changes zone later still gets it at that instant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.brand import Brand, current
from newsletter.campaigns.campaign import Campaign, CampaignState, NotNow
from newsletter.campaigns.one_a_day import give_way
from newsletter.languages import marked, said
from newsletter.mail.ledger import Hold
from newsletter.mail.ledger.opening import waiting_instants
from newsletter.zones import OwnTime

AT_ONE_MOMENT = marked(
    "An A/B test goes out at one moment: what wins goes to the rest as soon as the clicks have told, which is no hour "
    "of their own. Choose one time for all, or do without the test."
)


@dataclass(frozen=True, slots=True)
class Leaving:
    """Readers of an audience who get it at the same instant."""

    at: datetime
    people: int
    zones: tuple[str | None, ...]
    """The largest first. None: readers without a known zone, who use the owner's."""
    zoneless: int
    """How many of them have no known zone."""


@dataclass(frozen=True, slots=True)
class OwnTimePlan:
    """When a campaign would go to whom, as things stand."""

    own: OwnTime
    leavings: tuple[Leaving, ...]
    """Earliest first; empty while nobody is in the audience."""

    @property
    def first(self) -> datetime:
        """When the first readers get it."""
        return self.leavings[0].at if self.leavings else self.own.instant(None)

    @property
    def last(self) -> datetime:
        """When the last readers get it."""
        return self.leavings[-1].at if self.leavings else self.own.instant(None)

    @property
    def zoneless(self) -> int:
        """How many readers have no known zone."""
        return sum(one.zoneless for one in self.leavings)

    @property
    def skipped(self) -> list[str]:
        """The zones in which a clock change skips that time."""
        named = ((one.at, zone) for one in self.leavings for zone in one.zones if zone)
        return [zone for at, zone in named if self.own.is_skipped(at, zone)]

    def passed(self, now: datetime) -> int:
        """For how many it has passed already: they get it at once."""
        return sum(one.people for one in self.leavings if one.at <= now)


def own_time_of(session: Session, campaign: Campaign) -> OwnTime | None:
    """A campaign's time if it goes to everyone at their own; None: it goes to all at once."""
    return OwnTime(campaign.own_time, current(session).zone) if campaign.own_time else None


def plan_own_time(session: Session, campaign: Campaign, wall: datetime, now: datetime) -> OwnTimePlan:
    """What would go when, if scheduled for this local time. Raises OverflowError for an impossible date."""
    own = OwnTime(wall, current(session).zone)
    found: dict[datetime, dict[str | None, int]] = {}
    for zone, people in campaign.audience(now).zones(session).items():
        found.setdefault(own.instant(zone), {})[zone] = people
    leavings = [_leaving(at, found[at]) for at in sorted(found)]
    return OwnTimePlan(own=own, leavings=tuple(leavings))


def _leaving(at: datetime, zones: dict[str | None, int]) -> Leaving:
    most = sorted(zones, key=lambda zone: (-zones[zone], zone or ""))
    return Leaving(at=at, people=sum(zones.values()), zones=tuple(most), zoneless=zones.get(None, 0))


def schedule_own_time(session: Session, campaign: Campaign, wall: datetime, brand: Brand, now: datetime,
                      soonest: datetime, one_a_day: bool = False) -> None:  # fmt: skip
    """Schedule it for this local time of each reader, `soonest` for those for whom it has passed. Raises NotNow.

    `one_a_day`: leave out readers who get another marketing mail that day.
    """
    if campaign.is_tested:
        raise NotNow(said(AT_ONE_MOMENT))
    campaign.schedule(soonest, brand)
    campaign.own_time, campaign.one_a_day = wall, one_a_day
    give_way(session, campaign)
    plan = plan_own_time(session, campaign, wall, now)
    campaign.scheduled_at = max(plan.first, soonest)
    _look_next(campaign, plan.own, soonest)


def _look_next(campaign: Campaign, own: OwnTime, after: datetime) -> None:
    campaign.next_look_at = next((at for at in own.instants() if at > after), None)


def look_again(session: Session, now: datetime) -> None:
    """Recompute when the first reader gets each waiting campaign: readers come and go.

    Done at each instant the time comes in some zone, so that nobody is missed and it is never launched for nobody.
    """
    due = (
        select(Campaign)
        .where(Campaign.stored_state == CampaignState.SCHEDULED, Campaign.next_look_at <= now)
        .order_by(Campaign.id)
        .with_for_update(skip_locked=True, of=Campaign)
        .execution_options(populate_existing=True)
    )
    for campaign in session.scalars(due).all():
        if campaign.own_time is not None:
            plan = plan_own_time(session, campaign, campaign.own_time, now)
            campaign.scheduled_at = plan.first
            _look_next(campaign, plan.own, now)
    session.flush()


def instants_to_come(session: Session, campaign: Campaign, now: datetime) -> Sequence[datetime]:
    """The instants at which it will go to somebody, earliest first; none if it goes to all at once."""
    if campaign.own_time is None:
        return []
    if campaign.stored_state is CampaignState.SCHEDULED and campaign.scheduled_at is not None:
        plan = plan_own_time(session, campaign, campaign.own_time, now)
        return sorted({max(one.at, campaign.scheduled_at) for one in plan.leavings}) or [campaign.scheduled_at]
    if campaign.dispatch is None or campaign.dispatch.hold is not Hold.OPEN:
        return []
    return waiting_instants(session, campaign.dispatch)
