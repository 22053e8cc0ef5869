"""What an owner does with a campaign: with A of an A/B test the same is done with B, and the other way round.

Otherwise one half of a mailing would be paused, or called off, and nobody would have meant it.
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
    """Send it at this time; `one_a_day`: but not to who gets another one on its day. Raises NotNow."""
    test = ab_test_of(session, campaign) if campaign.is_tested else None
    if test is not None and not test.has_begun:
        even_out(session, test, at)  # who is in the list has changed since it was drafted
    for one in (parts := _parts(session, campaign)):
        one.one_a_day = one_a_day
    _each(parts, lambda one: one.schedule(at, house))
    for one in parts:
        give_way(session, one)


def unschedule(session: Session, campaign: Campaign) -> None:
    """Back to a draft; nothing has left yet. Raises NotNow."""
    _each(_parts(session, campaign), Campaign.unschedule)


def pause(session: Session, campaign: Campaign, reason: str = marked("By the owner.")) -> None:
    """Hold what has not left. Raises NotNow."""
    _each(_parts(session, campaign), lambda one: one.pause(reason))


def resume(session: Session, campaign: Campaign) -> None:
    """Go on with everybody who has not been sent to. Raises NotNow."""
    _each(_parts(session, campaign), Campaign.resume)


def cancel(session: Session, campaign: Campaign, now: datetime) -> None:
    """Call off what has not left; of A and B, and then nothing goes to the rest. Raises NotNow."""
    _each(_parts(session, campaign), lambda one: one.cancel(session, now))
    test = ab_test_of(session, campaign, lock=True) if campaign.is_tested else None
    if test is not None and test.rest is None:
        test.stopped_at = now


def _parts(session: Session, campaign: Campaign) -> tuple[Campaign, ...]:
    """Both that a test compares, locked in the order of their numbers; of what is not tested, itself."""
    test = ab_test_of(session, campaign) if campaign.is_tested else None
    if test is None:
        return (campaign,)
    for one in sorted(test.both, key=lambda it: it.id):
        session.refresh(one, with_for_update=True)
    return test.both


def _each(campaigns: tuple[Campaign, ...], do: Callable[[Campaign], None]) -> None:
    """Do it with each that it can be done with. Raises NotNow where that is none."""
    told = []
    for one in campaigns:
        try:
            do(one)
        except NotNow as error:
            told.append(error)
    if len(told) == len(campaigns):
        raise told[0]
