"""Owners' actions on a campaign, applied to both A and B of an A/B test.

Otherwise half of a mailing would be paused or cancelled by accident.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.brand import Brand
from newsletter.campaigns.ab_lot import even_out
from newsletter.campaigns.ab_setup import ab_test_of
from newsletter.campaigns.campaign import Campaign, NotNow
from newsletter.campaigns.one_a_day import give_way
from newsletter.languages import marked


def schedule(session: Session, campaign: Campaign, at: datetime, house: Brand, one_a_day: bool = False) -> None:
    """Schedule it. `one_a_day`: leave out readers who get another marketing mail that day. Raises NotNow."""
    test = ab_test_of(session, campaign) if campaign.is_tested else None
    if test is not None and not test.has_begun:
        even_out(session, test, at)  # the list has changed since it was drafted
    for one in (parts := _parts(session, campaign)):
        one.one_a_day = one_a_day
    _each(parts, lambda one: one.schedule(at, house))
    for one in parts:
        give_way(session, one)


def unschedule(session: Session, campaign: Campaign) -> None:
    """Make it a draft again, while nothing has left. Raises NotNow."""
    _each(_parts(session, campaign), Campaign.unschedule)


def pause(session: Session, campaign: Campaign, reason: str = marked("By the owner.")) -> None:
    """Pause it: hold what has not left. Raises NotNow."""
    _each(_parts(session, campaign), lambda one: one.pause(reason))


def resume(session: Session, campaign: Campaign) -> None:
    """Resume it for everybody not sent to yet. Raises NotNow."""
    _each(_parts(session, campaign), Campaign.resume)


def cancel(session: Session, campaign: Campaign, now: datetime) -> None:
    """Cancel what has not left; for A or B of a test, nothing goes to the rest either. Raises NotNow."""
    _each(_parts(session, campaign), lambda one: one.cancel(session, now))
    test = ab_test_of(session, campaign, lock=True) if campaign.is_tested else None
    if test is not None and test.rest is None:
        test.stopped_at = now


def _parts(session: Session, campaign: Campaign) -> tuple[Campaign, ...]:
    """A and B of a test, locked in order of their ids; without a test, the campaign alone."""
    test = ab_test_of(session, campaign) if campaign.is_tested else None
    if test is None:
        return (campaign,)
    for one in sorted(test.both, key=lambda it: it.id):
        session.refresh(one, with_for_update=True)
    return test.both


def _each(campaigns: tuple[Campaign, ...], do: Callable[[Campaign], None]) -> None:
    """Apply `do` to every campaign that permits it. Raises NotNow if none does."""
    told = []
    for one in campaigns:
        try:
            do(one)
        except NotNow as error:
            told.append(error)
    if len(told) == len(campaigns):
        raise told[0]
