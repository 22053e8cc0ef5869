"""Home: the present figures, and what comes next."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import render_template
from flask_login import current_user
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from newsletter import brand, campaigns, examples, feeds, journey, link_checks, preflight, reports, sequences
from newsletter.articles import Article
from newsletter.campaigns import Campaign, CampaignState
from newsletter.figures import figure, figure_if_kept
from newsletter.guides import BadGuide, Guide, GuideRequest, inspect
from newsletter.mail import alarms
from newsletter.mail.ledger import Message, State
from newsletter.reports import Result
from newsletter.sequences import Planned
from newsletter.subscribers import Segment, Subscriber
from newsletter.subscribers.subscriber import count_by_status
from newsletter.trends import trends
from newsletter.web.cards import all_guides, unfit_pages
from newsletter.web.owner.approval import on_home
from newsletter.web.owner.checks import sender_needs
from newsletter.web.owner.door import door
from newsletter.web.owner.first_steps import first_steps, stays_here
from newsletter.web.owner.progress import Progress
from newsletter.web.owner.settings import lost_language
from newsletter.web.owner.week import week_ahead
from newsletter.web.state import now, reading, runtime
from newsletter.zones import zone_named

DAYS = 30
NEWEST = 6
UNDER_WAY = (CampaignState.SCHEDULED, CampaignState.SENDING)


@dataclass(frozen=True, slots=True)
class GuideNumbers:
    """Number of people who requested a guide, and of those who fetched it."""

    guide: Guide
    asked: int
    fetched: int


@dataclass(frozen=True, slots=True)
class Day:
    """One bar of the chart: sign-ups on a day in the owner's zone, and how many of these people confirmed."""

    day: date
    signed_up: int
    confirmed: int


@door.get("/")
def dashboard() -> str:
    """Show figures, what is due, and what needs the owner's attention."""
    with reading() as session:
        at = now()
        look = select(Campaign).where(Campaign.stored_state.in_(UNDER_WAY)).order_by(Campaign.scheduled_at)
        under_way = session.scalars(look).all()
        return render_template(
            "owner/dashboard.html",
            statuses=count_by_status(session),
            newsletter=Segment().size(session),
            guides=guide_numbers(session),
            mails=_mails_of_last_day(session, at),
            due=_due(session, at),
            newest=session.scalars(select(Subscriber).order_by(Subscriber.id.desc()).limit(NEWEST)).all(),
            week=week_ahead(session, at, current_user.zone),
            series_wait_days=brand.current(session).series_wait_days,
            campaigns=[(one, Progress.of(session, one, at)) for one in under_way],
            last=_last(session),
            trends=trends(session, at),
            days=sign_ups(session, at, current_user.zone),
            articles=session.scalar(select(func.count()).select_from(Article)),
            **_what_needs_somebody(session, at),
        )


def _what_needs_somebody(session: Session, at: datetime) -> dict[str, Any]:
    """The template's variables shown above the figures: faults, decisions to make, and first steps."""
    house, every = brand.current(session), all_guides(session)
    unfilled = [one for one in every if _unfilled(one)]
    steps = first_steps(session, runtime().settings, bool(unfilled))
    return {
        "trouble": trouble(session),
        "alarms": [(alarm, alarms.advice_on(alarm)) for alarm in alarms.current(session, at)],
        "unready": [one.title for one in every if not one.pages(runtime().guides)],
        "unsigned": [one.title for one in unfilled if not one.hidden],
        "first_steps": steps,
        "examples": bool(steps) and examples.are_there(session),
        "stays_here": not steps and stays_here(runtime().settings),
        "unfit": preflight.unfit(session, runtime().renderer),
        "lost_language": lost_language(house),
        "lost_links": link_checks.lost_in_use(session, runtime().renderer, house),
        "lost_feeds": feeds.needing_owner(session),
        "unfit_pages": unfit_pages(house),
        "sender_needs": sender_needs(session, house),
        "waiting": campaigns.waiting(session),
        "approvals": on_home(session),
        "pending": _pending(session, at),
    }


def _pending(session: Session, at: datetime) -> tuple[int, int]:
    """(people unconfirmed for days, those of them who may be asked again); zeros while they are counted."""
    key = ("not confirmed for days", at.date())
    return figure_if_kept(session, key, lambda it: journey.pending_for_days(it, at)) or (0, 0)


def _due(session: Session, at: datetime) -> list[tuple[Subscriber, Planned]]:
    """The next people to get a series article, and when, as shown on their own pages, with any reason for a delay."""
    zone, mailings = brand.current(session).zone, campaigns.planned(session)
    soon = sequences.soonest(session, 6)
    planned = [(one.subscriber, sequences.what_is_next(session, one, zone, at, mailings)) for one in soon]
    return sorted(((person, ahead[0]) for person, ahead in planned if ahead), key=lambda one: one[1].due_at)


def _last(session: Session) -> tuple[Campaign, Result] | None:
    """The last campaign sent, with its results."""
    look = select(Campaign).where(Campaign.stored_state == CampaignState.SENT).order_by(Campaign.launched_at.desc())
    last = session.scalars(look.limit(1)).first()
    return reports.of_campaigns(session, [last])[0] if last else None


def _unfilled(guide: Guide) -> tuple[str, ...]:
    try:
        return inspect(guide.file(runtime().guides)).unfilled
    except BadGuide:
        return ()


def guide_numbers(session: Session) -> list[GuideNumbers]:
    """The numbers of each guide, in the owner's order."""
    fetched = case((GuideRequest.fetched_at.is_not(None), GuideRequest.subscriber_id))
    people = func.count(GuideRequest.subscriber_id.distinct()), func.count(fetched.distinct())
    look = select(GuideRequest.guide_id, *people).group_by(GuideRequest.guide_id)
    rows = figure(session, "guides fetched", lambda it: {id: (asked, got) for id, asked, got in it.execute(look)})
    return [GuideNumbers(guide, *rows.get(guide.id, (0, 0))) for guide in all_guides(session)]


def trouble(session: Session) -> dict[State, int]:
    """Number of messages by state that failed or may not have been sent, and that the owner has not reviewed."""
    rows = session.execute(
        select(Message.state, func.count())
        .where(Message.troubled_at.is_not(None), Message.state.in_((State.FAILED, State.UNCERTAIN)))
        .where(Message.reviewed_at.is_(None))
        .group_by(Message.state)
    )
    return {State.UNCERTAIN: 0, State.FAILED: 0} | dict(rows.all())


def _mails_of_last_day(session: Session, at: datetime) -> list[tuple[State, int]]:
    look = select(Message.state, func.count()).where(Message.created_at > at - timedelta(days=1))
    counts = figure(session, "mails of a day", lambda it: dict(it.execute(look.group_by(Message.state)).all()))
    return [(state, counts[state]) for state in State if counts.get(state)]


def sign_ups(session: Session, at: datetime, zone: str) -> list[Day]:
    """The last 30 days in this zone, today last, including days with no sign-ups."""
    here = zone_named(zone)
    today = at.astimezone(here).date()
    days = [today - timedelta(days=DAYS - 1 - back) for back in range(DAYS)]
    ends = [datetime.combine(day + timedelta(days=1), time(0), here) for day in days]
    # A single query: the database groups people into days that start at the owner's midnight.
    bucket = case(*((Subscriber.created_at < end, place) for place, end in enumerate(ends)), else_=DAYS - 1)
    look = (
        select(bucket, func.count(), func.count(Subscriber.confirmed_at))
        .where(Subscriber.created_at >= datetime.combine(days[0], time(0), here))
        .group_by(bucket)
    )
    found = figure(session, ("sign-ups", zone, today), lambda it: {place: tuple(of) for place, *of in it.execute(look)})
    return [Day(day, *found.get(place, (0, 0))) for place, day in enumerate(days)]
