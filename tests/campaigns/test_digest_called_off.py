"""What is not to come any more is in no weekly mail, however late that is said."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import campaigns, journey, topics
from newsletter.campaigns import Campaign, CampaignState
from newsletter.mail.ledger import Lane, Message, Reason, State
from newsletter.mail.ledger.digest import DigestEntry
from newsletter.mail.ledger.row_claims import release
from newsletter.runtime import Runtime
from newsletter.subscribers import Status, Stream, Subscriber, TopicChoice
from tests.campaigns.week import FRIDAY, JANE, PRESS, Week


def test_a_campaign_that_is_cancelled_is_not_in_it(week: Week, runtime: Runtime) -> None:
    golf, knee = week.launched("Golf"), week.launched("Knee")
    week.runtime.delivery.run(Lane.BULK)
    week.runtime.delivery.run(Lane.BULK)
    with runtime.database.transaction() as session:
        session.get_one(Campaign, golf).cancel(session, week.clock.now())
    week.at(FRIDAY)
    assert week.got() == ["This week from Human Movement: Knee"]
    assert week.entry(golf).reason is Reason.CAMPAIGN_CANCELLED and week.entry(knee).reason is None


@pytest.mark.parametrize("queued_before", [True, False])
def test_one_that_is_paused_waits_for_the_next(week: Week, runtime: Runtime, queued_before: bool) -> None:
    golf = week.launched("Golf")
    week.launched("Knee")
    for _ in range(2):
        runtime.delivery.run(Lane.BULK)
    week.clock.forward(FRIDAY - week.clock.now())
    if queued_before:
        week.tick()
    with runtime.database.transaction() as session:
        session.get_one(Campaign, golf).pause()
        campaigns.finish_done(session, week.clock.now())
    assert week.state(golf) is CampaignState.PAUSED, "it can still be resumed"
    week.tick()
    week.deliver()
    assert week.got() == ["This week from Human Movement: Knee"]
    week.at(FRIDAY + timedelta(days=1))
    with runtime.database.transaction() as session:
        session.get_one(Campaign, golf).resume()
    week.at(FRIDAY + timedelta(days=2))
    assert len(week.got()) == 1 and week.state(golf) is CampaignState.SENT
    week.at(FRIDAY + timedelta(days=7))
    assert week.got()[1:] == ["This week from Human Movement: Golf"]


@pytest.mark.parametrize("queued_before", [True, False])
def test_what_is_cancelled_between_its_time_and_its_claim_is_left_out(
    week: Week, runtime: Runtime, queued_before: bool
) -> None:
    golf = week.launched("Golf")
    runtime.delivery.run(Lane.BULK)
    week.clock.forward(FRIDAY - week.clock.now())
    if queued_before:
        week.tick()
    with runtime.database.transaction() as session:
        session.get_one(Campaign, golf).cancel(session, week.clock.now())
    week.tick()
    week.deliver()
    assert week.got() == [] and week.entry(golf).reason is Reason.CAMPAIGN_CANCELLED


@pytest.mark.parametrize("queued_before", [True, False])
def test_a_topic_that_was_left_is_not_in_it(week: Week, runtime: Runtime, queued_before: bool) -> None:
    with runtime.database.reading() as session:
        rehab, training = topics.every(session)[:2]
    golf, knee = week.campaign("Golf", topic=training), week.campaign("Knee", topic=rehab)
    week.clock.forward(FRIDAY - week.clock.now())
    if queued_before:
        week.tick()
    week.jane(journey.change_topics, TopicChoice.of([rehab.id]))
    week.tick()
    week.deliver()
    assert week.got() == ["This week from Human Movement: Knee"]
    assert week.entry(golf).reason is Reason.TOPIC_LEFT and week.entry(knee).reason is None


@pytest.mark.parametrize("queued_before", [True, False])
def test_a_pause_lets_it_wait_for_the_first_week_behind(week: Week, runtime: Runtime, queued_before: bool) -> None:
    week.campaign("Golf")
    week.clock.forward(FRIDAY - week.clock.now())
    if queued_before:
        week.tick()
    week.jane(journey.pause)
    week.tick()
    week.deliver()
    week.at(FRIDAY + timedelta(days=7))
    assert week.got() == []
    week.clock.forward(timedelta(days=23))  # a Sunday
    with runtime.database.transaction() as session:
        journey.end_pauses(session, week.clock.now())
    week.tick()
    week.deliver()
    assert week.got() == []
    week.at(FRIDAY + timedelta(days=35))
    assert week.got() == ["This week from Human Movement: Golf"]


@pytest.mark.parametrize("queued_before", [True, False])
@pytest.mark.parametrize("how", ["leave", "newsletter", "bounce", "bounce unseen"])
def test_who_may_receive_nothing_gets_none(week: Week, runtime: Runtime, how: str, queued_before: bool) -> None:
    golf = week.campaign("Golf")
    week.clock.forward(FRIDAY - week.clock.now())
    if queued_before:
        week.tick()
    with runtime.database.transaction() as session:
        jane, now = session.get_one(Subscriber, JANE), week.clock.now()
        if how == "leave":
            journey.unsubscribe(session, jane, now, goodbye=False)
        elif how == "newsletter":
            journey.leave_newsletter(session, jane, PRESS, now)
        elif how == "bounce":
            runtime.delivery.suppress(session, jane, Status.BOUNCED, now)
        else:
            jane.stop_mail(Status.BOUNCED, now)
    week.tick()
    week.deliver()
    assert week.got() == []
    reasons = {"leave": Reason.LEFT, "newsletter": Reason.NEWSLETTER_LEFT, "bounce": Reason.BOUNCED}
    with runtime.database.reading() as session:
        mails = session.scalars(select(Message.state).where(Message.stream == Stream.DIGEST)).all()
    assert set(mails) == ({State.CANCELLED} if queued_before else set())
    if not (queued_before and "bounce" in how):
        assert week.entry(golf).reason is reasons.get(how, Reason.NOT_ELIGIBLE)


def test_erasing_a_reader_takes_it_along(week: Week, runtime: Runtime) -> None:
    week.campaign("Golf")
    week.campaign("Knee")
    week.at(FRIDAY)
    week.campaign("Hip")
    with runtime.database.transaction() as session:
        journey.erase(session, runtime, session.get_one(Subscriber, JANE), week.clock.now())
    week.at(FRIDAY + timedelta(days=7))
    with runtime.database.reading() as session:
        assert session.scalars(select(DigestEntry)).all() == []
    assert len(week.got()) == 1


@pytest.mark.parametrize("how", ["pause", "leave"])
def test_a_press_while_it_is_marked_and_does_not_leave_after_all(week: Week, runtime: Runtime, how: str) -> None:
    golf = week.campaign("Golf")
    week.clock.forward(FRIDAY - week.clock.now())
    week.tick()
    with runtime.database.transaction() as session:
        mail = session.scalars(select(Message).where(Message.stream == Stream.DIGEST)).one()
        mail.state, mail.claim_token, mail.lease_until = (
            State.SENDING,
            "t" * 24,
            week.clock.now() + timedelta(seconds=45),
        )
    if how == "pause":
        week.jane(journey.pause)
    else:
        with runtime.database.transaction() as session:
            journey.unsubscribe(session, session.get_one(Subscriber, JANE), week.clock.now(), goodbye=False)
    with runtime.database.transaction() as session:
        release(session, "t" * 24, [mail.id], [mail.id])
    week.deliver()
    week.tick()
    assert week.got() == []
    entry = week.entry(golf)
    if how == "leave":
        assert (entry.digest_id, entry.reason) == (None, Reason.NOT_ELIGIBLE)
        return
    assert (entry.digest_id, entry.reason) == (None, None), "it waits for the end of the pause"
    week.clock.forward(journey.PAUSE)
    with runtime.database.transaction() as session:
        journey.end_pauses(session, week.clock.now())
    week.at(FRIDAY + timedelta(days=35))
    assert week.got() == ["This week from Human Movement: Golf"]


def test_a_pause_that_is_over_and_not_ended_yet_keeps_no_worker_busy(week: Week, runtime: Runtime) -> None:
    week.campaign("Golf")
    week.jane(journey.pause)
    looked = []
    week.clock.forward(journey.PAUSE + timedelta(seconds=1))
    for _ in range(2):
        with runtime.database.transaction() as session:
            looked.append(campaigns.send_digests(session, runtime.renderer, week.clock.now()))
    assert looked == [1, 0]
    with runtime.database.transaction() as session:
        journey.end_pauses(session, week.clock.now())
        assert campaigns.send_digests(session, runtime.renderer, week.clock.now()) == 1, "its end wakes it"
