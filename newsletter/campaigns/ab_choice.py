"""Decides what goes to the rest of an A/B test's audience: by clicks when the time is over, or by the owner's press.

Deciding and scheduling the rest is one transaction with the test's row locked: two beats decide once, and a killed
worker leaves all or nothing; the next tick retries.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from newsletter.accounts import note
from newsletter.brand import Brand, current
from newsletter.campaigns.ab_setup import ab_test_of, counts_clicks
from newsletter.campaigns.ab_telling import DECIDED, WAITS, named
from newsletter.campaigns.ab_test import ABTest, Compares, Decided, IfClose, Judge, Waits
from newsletter.campaigns.campaign import Campaign, CampaignState, NotNow, Part
from newsletter.campaigns.proportions import Proportion
from newsletter.clicks import Click
from newsletter.db import Moment
from newsletter.figures import figure
from newsletter.languages import marked, said
from newsletter.mail.ledger import ACCEPTED, Dispatch, Message
from newsletter.mail.ledger.dispatch import Batch, BatchState
from newsletter.mail.notice import tell_owners

_A = aliased(Campaign)
_REST = aliased(Campaign)
UNDECIDED = (ABTest.winner.is_(None), ABTest.waits.is_(None), ABTest.stopped_at.is_(None))


def has_next_step(now: Moment) -> ColumnElement[bool]:
    """The condition that a test may be due for its next step though no campaign is under way."""
    sending = exists().where(
        or_(Campaign.id == ABTest.a_id, Campaign.id == ABTest.b_id), Campaign.stored_state == CampaignState.SENDING
    )
    begun = select(ABTest.id).join(_A, _A.id == ABTest.a_id).where(*UNDECIDED, _A.launched_at.is_not(None))
    next_ = or_(ABTest.ends_at.is_(None) & ~sending.correlate(ABTest), ABTest.ends_at <= now)
    return begun.where(next_).exists()


def tend_ab_tests(session: Session, now: datetime) -> None:
    """Advance every test that has begun: start its time, decide it, or have it wait for the owner."""
    begun = (
        select(ABTest)
        .join(_A, _A.id == ABTest.a_id)
        .where(*UNDECIDED, _A.launched_at.is_not(None), or_(ABTest.ends_at.is_(None), ABTest.ends_at <= now))
        .order_by(ABTest.id)
        .with_for_update(skip_locked=True, of=ABTest)
        .execution_options(populate_existing=True)
    )
    for test in session.scalars(begun).all():
        _tend(session, test, now)
    session.flush()


def _tend(session: Session, test: ABTest, now: datetime) -> None:
    cancelled = [one.stored_state is CampaignState.CANCELLED for one in test.both]
    if all(cancelled):
        test.stopped_at = now
    elif any(cancelled):
        test.waits = Waits.ENDED
    elif test.ends_at is not None:
        _decide(session, test, now)
    elif all(_has_gone_out(session, one.dispatch) for one in test.both):
        test.ends_at = now + test.duration
    if test.waits is not None:
        tell_owners(
            session, now, key=f"ab-test:{test.id}",
            title=said("Your A/B test of “%(title)s” waits for you", title=test.a.article.title),
            lines=[said(WAITS[test.waits]), said("Until then nothing goes to the rest.")],
            button=said("Look at the numbers and choose"),
            path=f"/owner/campaigns/{test.a_id}",
        )  # fmt: skip


def _has_gone_out(session: Session, dispatch: Dispatch | None) -> bool:
    """Whether all batches are done; what is left are single retries, which may take days."""
    if dispatch is None or dispatch.filled_at is None:
        return False
    open_ = select(Batch.id).where(Batch.dispatch_id == dispatch.id, Batch.state != BatchState.DONE)
    return session.scalar(open_.limit(1)) is None


def _decide(session: Session, test: ABTest, now: datetime) -> None:
    a, b = results(session, test)
    test.keep(a, b)
    brand = current(session)
    if test.judge is Judge.HAND:
        test.waits = Waits.HAND
    elif not is_counted(brand, test):
        test.waits = Waits.UNCOUNTED
    elif ahead := more_than_chance(a, b):
        _go(session, test, ahead, Decided.CLICKS, now, brand)
    elif test.if_close is IfClose.A:
        _go(session, test, Part.A, Decided.IF_CLOSE, now, brand)
    else:
        test.waits = Waits.CLOSE


def _go(session: Session, test: ABTest, part: Part, decided: Decided, now: datetime, brand: Brand) -> None:
    try:
        rest = _send(session, test, part, decided, now, now, brand)
    except NotNow:
        test.waits = Waits.UNFIT
    else:
        what = f"{test.a_id}: {named(part)} goes to the rest, campaign {rest.id}, {DECIDED[decided]}"
        note(session, None, now, marked("A/B test decided"), what)


def is_counted(brand: Brand, test: ABTest) -> bool:
    """Whether its clicks have been counted since the launch, and still are."""
    launched = all(one.counted_clicks for one in test.both)
    return launched and counts_clicks(brand, test.a.article, test.b.article)


def results(session: Session, test: ABTest) -> tuple[Proportion, Proportion]:
    """For A and B how many of those reached followed a link within the test's hours.

    The hours count from when each reader's own mail was accepted: who got it an hour later has an hour longer.
    """
    a, b = (_result(session, one, test.duration) for one in test.both)
    return a, b


def _result(session: Session, campaign: Campaign, within: timedelta) -> Proportion:
    counts, dispatch = campaign.counts(session), campaign.dispatch_id
    reached = sum(counts[state] for state in ACCEPTED)
    if not dispatch:
        return Proportion(0, reached)
    clicked = figure(session, ("clicked in the test", dispatch, within), lambda it: _clicked(it, dispatch, within))
    return Proportion(min(clicked, reached), reached)  # they are counted at different moments


def _clicked(session: Session, dispatch: int, within: timedelta) -> int:
    look = (
        select(func.min(Click.person_at), Message.settled_at)
        .join(Message, Message.id == Click.message_id)
        .where(Click.dispatch_id == dispatch, Click.person_at.is_not(None), Message.state.in_(ACCEPTED))
        .group_by(Click.subscriber_id, Message.settled_at)
    )
    return sum(bool(at and accepted and at <= accepted + within) for at, accepted in session.execute(look))


def more_than_chance(a: Proportion, b: Proportion) -> Part | None:
    """Which of the two is ahead by more than chance; None: too close to tell."""
    if a.is_surely_more(b):
        return Part.A
    return Part.B if b.is_surely_more(a) else None


def choose(session: Session, test: ABTest, part: Part, now: datetime, at: datetime) -> Campaign:
    """Schedule A or B for the rest, at the owner's press. Until that is launched, the other can be chosen instead.

    The test's row must be locked. Raises NotNow.
    """
    if not test.has_begun:
        raise NotNow(said("Nothing of the test has gone out yet, so there is nothing to choose from."))
    if test.stopped_at is not None:
        raise NotNow(said("The test was stopped, and the rest gets nothing of it."))
    if test.rest is not None:  # beat launches it under this lock
        session.refresh(test.rest, with_for_update=True)
    if not test.is_open:
        raise NotNow(said("%(part)s goes to the rest already, once and no more.", part=named(test.winner)))
    if test.kept is None:
        test.keep(*results(session, test))
    return _send(session, test, part, Decided.HAND, now, at, current(session))


def _send(session: Session, test: ABTest, part: Part, decided: Decided, now: datetime, at: datetime,
          brand: Brand) -> Campaign:  # fmt: skip
    won, lost = (test.a, test.b) if part is Part.A else (test.b, test.a)
    if won.dispatch is None:
        raise NotNow(said("%(part)s has not gone out itself.", part=named(part)))
    thrown_away = test.rest is not None and test.rest.stored_state is CampaignState.CANCELLED
    rest = _rest_of(test, now) if test.rest is None or thrown_away else test.rest
    rest.article, rest.settled_revision = won.article, won.dispatch.revision
    rest.schedule(at, brand)
    session.add(rest)
    session.flush()
    test.rest, test.winner, test.decided, test.decided_at, test.waits = rest, part, decided, now, None
    if test.compares is Compares.ARTICLE:
        _show_in_the_archive(won, lost)
    session.flush()
    return rest


def _rest_of(test: ABTest, now: datetime) -> Campaign:
    a = test.a
    rest = Campaign(article=a.article, zone=a.zone, created_at=now, part=Part.REST, lot=test.lot, share=test.share)
    rest.to_the_same(a)
    return rest


def _show_in_the_archive(won: Campaign, lost: Campaign) -> None:
    """If only what lost is in the public archive, replace it with what won, under the same date."""
    if lost.article.published_at is not None and won.article.published_at is None:
        won.article.published_at = lost.article.published_at
        lost.article.unpublish()


def stop(session: Session, test: ABTest, now: datetime) -> None:
    """Stop a test: cancel what A and B have not sent; the rest gets nothing. Raises NotNow."""
    for row in (*sorted(test.both, key=lambda it: it.id), test):  # the order in which `together.cancel` locks them
        session.refresh(row, with_for_update=True)
    if test.stopped_at is not None:
        raise NotNow(said("The test is stopped already."))
    if test.rest is not None and test.rest.launched_at is not None:
        raise NotNow(said("What won goes to the rest already; cancel that campaign instead."))
    for one in test.parts:
        if one.stored_state not in (CampaignState.SENT, CampaignState.CANCELLED):
            one.cancel(session, now)
    test.stopped_at = now


def newest_reader(session: Session, campaign: Campaign) -> int | None:
    """The newest subscriber the rest may go to: whoever joined after the launch of A and B is in no part."""
    test = ab_test_of(session, campaign) if campaign.part is Part.REST else None
    return test.a.dispatch.fill_until if test and test.a.dispatch else None


def waiting(session: Session) -> list[ABTest]:
    """The tests that wait for a press, oldest first."""
    look = select(ABTest).where(ABTest.waits.is_not(None), ABTest.stopped_at.is_(None))
    return list(session.scalars(look.order_by(ABTest.id)))


def of_open_test() -> ColumnElement[bool]:
    """The condition that a Campaign is A or B of a test whose rest has not been launched."""
    launched = exists().where(_REST.id == ABTest.rest_id, _REST.launched_at.is_not(None))
    is_one = or_(ABTest.a_id == Campaign.id, ABTest.b_id == Campaign.id)
    return exists().where(is_one, ABTest.stopped_at.is_(None), ~launched).correlate(Campaign)


def to_come(session: Session) -> list[tuple[datetime, ABTest, Campaign]]:
    """The undecided rests: the earliest time, the test, and a campaign to the same people.

    Tests that wait for a press are left out: nobody knows when that comes.
    """
    at_work = (CampaignState.SCHEDULED, CampaignState.SENDING, CampaignState.SENT)
    look = select(ABTest).join(_A, _A.id == ABTest.a_id).where(*UNDECIDED, _A.stored_state.in_(at_work))
    found = []
    for test in session.scalars(look.order_by(ABTest.id)):
        begins = test.a.launched_at or test.a.scheduled_at
        if at := test.ends_at or (begins + test.duration if begins else None):
            found.append((at, test, _rest_of(test, at)))
    return found
