"""Trends: figures of the last 30 days beside the 30 days before, and of the last campaign beside the one before.

They are counted through time indexes; with large tables in the background, and None until the first count is done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Integer, case, func, select
from sqlalchemy.orm import Session

from newsletter import reports
from newsletter.campaigns import Campaign, CampaignState
from newsletter.events import OF_READERS, Event, EventKind
from newsletter.figures import figure_if_kept
from newsletter.guides import GuideRequest

SPAN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Trend:
    """A number and its predecessor; `before` is None if there is nothing to compare with."""

    now: int
    before: int | None
    of: int | None = None
    """The total of which `now` is a part, if it is one."""

    @property
    def change(self) -> int | None:
        """The difference from before; negative for a decrease."""
        return None if self.before is None else self.now - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Trends:
    """The trends on Home; None: not counted yet."""

    readers: Trend | None
    """Readers who chose the newsletter themselves, less those who left, bounced or complained. Imports do not count."""
    fetched: Trend | None
    """Of the people who requested a guide in this span, those who fetched it."""
    clicked: Trend | None
    """People who followed a link in the last campaign; `before`: in the previous one."""


def trends(session: Session, now: datetime) -> Trends:
    """The trends as of `now`."""
    day = now.date()
    readers = figure_if_kept(session, ("readers of 30 days", day), lambda it: _readers(it, now))
    guides = figure_if_kept(session, ("guides of 30 days", day), lambda it: _fetched(it, now))
    return Trends(
        readers=Trend(readers[0], readers[1]) if readers else None,
        fetched=Trend(guides[0][1], guides[1][1], of=guides[0][0]) if guides else None,
        clicked=_clicked(session),
    )


def _readers(session: Session, now: datetime) -> tuple[int, int]:
    """Net gain of readers in the last span, and in the one before."""
    worth = case(
        (Event.kind == EventKind.NEWSLETTER_ON, 1), (Event.kind == EventKind.NEWSLETTER_OFF, -1),
        (Event.newsletter_before.is_(True), -1), else_=0,
    )  # fmt: skip
    lately = Event.at > now - SPAN
    sums = [func.coalesce(func.sum(case((one, worth), else_=0), type_=Integer), 0) for one in (lately, ~lately)]
    asked = select(*sums).where(OF_READERS, Event.at > now - 2 * SPAN, Event.at <= now)
    won, before = session.execute(asked).one()
    return int(won), int(before)


def _fetched(session: Session, now: datetime) -> tuple[tuple[int, int], tuple[int, int]]:
    """(people who requested a guide, those of them who fetched one), in the last span and in the one before."""
    return _asked(session, now - SPAN, now), _asked(session, now - 2 * SPAN, now - SPAN)


def _asked(session: Session, since: datetime, until: datetime) -> tuple[int, int]:
    got = case((GuideRequest.fetched_at.is_not(None), GuideRequest.subscriber_id))
    people = func.count(GuideRequest.subscriber_id.distinct()), func.count(got.distinct())
    look = select(*people).where(GuideRequest.requested_at > since, GuideRequest.requested_at <= until)
    asked, fetched = session.execute(look).one()
    return asked, fetched


def _clicked(session: Session) -> Trend | None:
    look = select(Campaign).where(Campaign.stored_state == CampaignState.SENT).order_by(Campaign.launched_at.desc())
    last = session.scalars(look.limit(2)).all()
    went: Mapping[int, reports.Went] | None = reports.went_out(session, last)
    found = [went[one.id] for one in last] if went else []
    if not found or found[0].clicked is None:
        return None
    return Trend(found[0].clicked, found[1].clicked if len(found) > 1 else None, of=found[0].accepted)
