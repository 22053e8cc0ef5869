"""Everyone's own time: a campaign that goes to each of its readers when the clock on their own wall says so.

A reader's zone is what they told, else the owner's. Until the first of them gets it nothing is fixed: it can be
changed, and who signs up, leaves or moves counts as they are then. At that moment its recipients are written, as of any
campaign, and with them the instant of each; who moves later gets it at the hour that was theirs.
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
    """Those of an audience for whom it is the same instant."""

    at: datetime
    people: int
    zones: tuple[str | None, ...]
    """With the most people first. None: of whom no zone is known, so that they go with the owner."""


@dataclass(frozen=True, slots=True)
class OwnTimePlan:
    """When a campaign leaves for whom, as things stand."""

    own: OwnTime
    leavings: tuple[Leaving, ...]
    """The first first; empty while nobody is in the audience."""

    @property
    def first(self) -> datetime:
        """When the first of them get it."""
        return self.leavings[0].at if self.leavings else self.own.instant(None)

    @property
    def last(self) -> datetime:
        """When the last of them get it."""
        return self.leavings[-1].at if self.leavings else self.own.instant(None)

    @property
    def zoneless(self) -> int:
        """Of how many no zone is known."""
        return sum(one.people for one in self.leavings if None in one.zones and len(one.zones) == 1)

    @property
    def skipped(self) -> list[str]:
        """The zones in which the clocks go over that time."""
        named = ((one.at, zone) for one in self.leavings for zone in one.zones if zone)
        return [zone for at, zone in named if self.own.is_skipped(at, zone)]

    def passed(self, now: datetime) -> int:
        """For how many it has passed already: they get it at once."""
        return sum(one.people for one in self.leavings if one.at <= now)


def own_time_of(session: Session, campaign: Campaign) -> OwnTime | None:
    """The time of a campaign that goes to everyone at their own; None: it goes to all at once."""
    return OwnTime(campaign.own_time, current(session).zone) if campaign.own_time else None


def plan_own_time(session: Session, campaign: Campaign, wall: datetime, now: datetime) -> OwnTimePlan:
    """What would leave when, were it scheduled for this local time. Raises OverflowError for a time of no date."""
    own = OwnTime(wall, current(session).zone)
    found: dict[datetime, dict[str | None, int]] = {}
    for zone, people in campaign.audience(now).zones(session).items():
        found.setdefault(own.instant(zone), {})[zone] = people
    leavings = [_leaving(at, found[at]) for at in sorted(found)]
    return OwnTimePlan(own=own, leavings=tuple(leavings))


def _leaving(at: datetime, zones: dict[str | None, int]) -> Leaving:
    most = sorted(zones, key=lambda zone: (-zones[zone], zone or ""))
    return Leaving(at=at, people=sum(zones.values()), zones=tuple(most))


def schedule_own_time(session: Session, campaign: Campaign, wall: datetime, house: Brand, now: datetime,
                      soonest: datetime, one_a_day: bool = False) -> None:  # fmt: skip
    """Send it at this local time of everyone's own; `soonest`: to whom that has passed; `one_a_day`: but not to who
    gets another one on that day. Raises NotNow."""
    if campaign.is_tested:
        raise NotNow(said(AT_ONE_MOMENT))
    campaign.schedule(soonest, house)
    campaign.own_time, campaign.one_a_day = wall, one_a_day
    give_way(session, campaign)
    plan = plan_own_time(session, campaign, wall, now)
    campaign.scheduled_at = max(plan.first, soonest)
    _look_next(campaign, plan.own, soonest)


def _look_next(campaign: Campaign, own: OwnTime, after: datetime) -> None:
    campaign.next_look_at = next((at for at in own.instants() if at > after), None)


def look_again(session: Session, now: datetime) -> None:
    """Find anew when the first of its readers gets each campaign: they come and go while it waits.

    At every instant at which the time comes in some zone, so that nobody's is missed, and it is launched for nobody.
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
    """The instants at which it will leave for somebody; the first first. Empty where it goes to all at once."""
    if campaign.own_time is None:
        return []
    if campaign.stored_state is CampaignState.SCHEDULED and campaign.scheduled_at is not None:
        plan = plan_own_time(session, campaign, campaign.own_time, now)
        return sorted({max(one.at, campaign.scheduled_at) for one in plan.leavings}) or [campaign.scheduled_at]
    if campaign.dispatch is None or campaign.dispatch.hold is not Hold.OPEN:
        return []
    return waiting_instants(session, campaign.dispatch)
