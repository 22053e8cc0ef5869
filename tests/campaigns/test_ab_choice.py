"""A and B go to their shares, what wins to everybody else, once: by the clicks, by a press, or not at all."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from newsletter import brand, campaigns
from newsletter.campaigns import Campaign, CampaignState, Compares, Decided, IfClose, Judge, NotNow, Part, Phase, Waits
from newsletter.clicks import Click, delete_all
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.smtp import Envelope, SentList, SmtpResult
from newsletter.smtp import Stage as At
from newsletter.subscribers import Status, Subscriber
from tests.campaigns.conftest import Stage, article_of, people, state_of
from tests.clicking import count_clicks


def _subjects(stage: Stage) -> Counter[str]:
    heads = (one.data.split(b"\r\n\r\n")[0].decode() for one in stage.sent.envelopes)
    return Counter(line[9:] for head in heads for line in head.split("\r\n") if line.startswith("Subject: "))


def test_what_has_clearly_more_clicks_goes_to_the_rest_once(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.go()
    test = it.test()
    a, b = it.got(test.a_id), it.got(test.b_id)
    assert test.phase is Phase.RUNNING and not a & b and 30 < len(a) < 50 and 30 < len(b) < 50
    assert _subjects(it) == {"Golf": len(a), "The other": len(b)}
    it.click(test.a_id, 3)
    it.click(test.b_id, 20)
    it.beat()
    assert it.test().phase is Phase.RUNNING  # not before its time
    it.end()
    test = it.test()
    assert (test.phase, test.winner, test.decided) == (Phase.DECIDED, Part.B, Decided.CLICKS)
    assert test.kept and [(one.part, one.whole) for one in test.kept] == [(3, len(a)), (20, len(b))]
    rest = it.got(test.rest_id)
    assert not rest & (a | b) and len(rest | a | b) == 200
    assert _subjects(it) == {"Golf": len(a), "The other": 200 - len(a)}
    for _ in range(3):
        it.end()
    assert len(it.sent.envelopes) == 200 and state_of(runtime, test.rest_id) is CampaignState.SENT
    assert max(Counter(one.recipient for one in it.sent.envelopes).values()) == 1


@pytest.mark.parametrize(("if_close", "goes"), [(IfClose.A, Part.A), (IfClose.WAIT, None)])
def test_too_few_to_tell_does_what_was_said_beforehand(
    stage: Callable[..., Stage], if_close: IfClose, goes: Part | None
) -> None:
    it = stage(if_close=if_close)
    it.go()
    test = it.test()
    it.click(test.a_id, 6)
    it.click(test.b_id, 9)  # more, but no more than chance
    it.end()
    test = it.test()
    assert test.winner is goes
    assert (test.decided is Decided.IF_CLOSE) is (goes is Part.A)
    assert (test.waits is Waits.CLOSE) is (goes is None)
    assert len(it.sent.envelopes) == (200 if goes else len(it.got(test.a_id) | it.got(test.b_id)))


def test_a_click_counts_within_the_hours_of_its_own_reader(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage(if_close=IfClose.WAIT)
    it.go()
    test = it.test()
    with runtime.database.transaction() as session:  # A went out an hour before B
        dispatch = session.get_one(Campaign, test.a_id).dispatch_id
        late = timedelta(hours=1)
        session.execute(update(Message).where(Message.dispatch_id == dispatch).values(settled_at=it.clock.now() - late))
    it.click(test.a_id, 30, after=timedelta(hours=4, seconds=1))
    it.click(test.b_id, 5, after=timedelta(hours=4))
    it.end()
    test = it.test()
    assert test.kept and [one.part for one in test.kept] == [0, 5] and test.waits is Waits.CLOSE


def test_the_time_counts_from_when_everybody_has_had_their_turn(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.schedule()
    with runtime.database.transaction() as session:
        campaigns.launch_due(session, it.clock.now())
    with runtime.database.transaction() as session:
        campaigns.together.pause(session, session.get_one(Campaign, it.a))
    for _ in range(3):
        it.end()
    assert it.test().phase is Phase.GOING_OUT and it.test().ends_at is None and not it.sent.envelopes
    with runtime.database.transaction() as session:
        campaigns.together.resume(session, session.get_one(Campaign, it.test().b_id))
    it.beat()
    assert it.test().ends_at == it.clock.now() + timedelta(hours=4)


def test_who_is_tried_again_later_holds_nobody_up(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()

    def answer(one: Envelope) -> SmtpResult:
        slow = one.recipient in {f"p{id}@example.com" for id in range(1_001, 1_101)}
        return SmtpResult(one.key, At.REJECTED if slow else At.ACCEPTED, 451 if slow else 250, "", "", "mx:25", ".")

    runtime.transport = SentList(answer)
    it.go()
    test = it.test()
    assert test.phase is Phase.RUNNING and {one.state for one in test.both} == {CampaignState.SENDING}
    it.end()
    kept = it.test().kept
    assert kept is not None and all(0 < one.whole < 40 for one in kept)


def test_by_hand_it_waits_and_a_press_sends_one_once(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage(judge=Judge.HAND)
    it.go()
    it.end()
    assert it.test().waits is Waits.HAND
    rest = it.choose(Part.B)
    assert it.choose(Part.A) == rest  # changed their mind before it has left
    assert it.choose(Part.A) == rest
    it.beat()
    with pytest.raises(NotNow, match="A goes to the rest already"):
        it.choose(Part.B)
    test = it.test()
    assert (test.winner, test.decided, test.rest_id) == (Part.A, Decided.HAND, rest)
    assert len(it.sent.envelopes) == 200 == sum(_subjects(it).values())
    assert _subjects(it)["The other"] == len(it.got(test.b_id))


def test_a_press_comes_before_the_time_is_over_and_not_before_it_begins(stage: Callable[..., Stage]) -> None:
    it = stage()
    with pytest.raises(NotNow, match="Nothing of the test has gone out yet"):
        it.choose(Part.A)
    it.go()
    it.choose(Part.B)
    it.end()
    assert it.test().decided is Decided.HAND and len(it.sent.envelopes) == 200


def test_the_rest_gets_the_words_that_won_whatever_was_written_since(
    stage: Callable[..., Stage], runtime: Runtime
) -> None:
    it = stage()
    it.go()
    with runtime.database.transaction() as session:
        text = session.get_one(Campaign, it.a).article
        text.revise(it.clock.now(), subject="Never sent", preheader="", body="Never sent")
    it.choose(Part.A)
    it.beat()
    assert "Never sent" not in _subjects(it) and len(it.sent.envelopes) == 200
    assert all(b"Never sent" not in one.data for one in it.sent.envelopes)


def test_up_to_the_launch_both_follow_the_article(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.schedule()
    with runtime.database.transaction() as session:
        text = session.get_one(Campaign, it.a).article
        text.revise(it.clock.now(), subject="Golf, again", preheader="Short", body="Swing.")
    it.beat()
    test = it.test()
    assert set(_subjects(it)) == {"Golf, again", "The other"}
    assert all(b"Swing." in one.data for one in it.sent.envelopes)
    b = article_of(runtime, test.b_id)
    assert (b.title, b.current.preheader, b.published_at) == ("Golf (B)", "Short", None)
    assert article_of(runtime, test.a_id).id != b.id


def test_who_left_bounced_paused_or_joined_meanwhile_gets_nothing(
    stage: Callable[..., Stage], runtime: Runtime
) -> None:
    it = stage()
    it.go()
    test = it.test()
    others = sorted(set(range(1_001, 1_201)) - it.got(test.a_id) - it.got(test.b_id))
    people(runtime, 50, first=2_001)
    with runtime.database.transaction() as session:
        left, bounced, paused = (session.get_one(Subscriber, id) for id in others[:3])
        left.unsubscribe(it.clock.now())
        bounced.stop_mail(Status.BOUNCED, it.clock.now())
        paused.paused_until = it.clock.now() + timedelta(days=30)
    it.choose(Part.B)
    it.beat()
    assert it.got(it.test().rest_id) == set(others[3:])


def test_two_articles_are_compared_as_they_are(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage(compares=Compares.ARTICLE, other={"title": "Tennis", "subject": "Tennis", "body": "Serve."})
    with runtime.database.transaction() as session:
        session.get_one(Campaign, it.a).article.publish(it.clock.now())
    it.go()
    test = it.test()
    it.choose(Part.B)
    it.beat()
    assert _subjects(it) == {"Golf": len(it.got(test.a_id)), "Tennis": 200 - len(it.got(test.a_id))}
    a, b = article_of(runtime, test.a_id), article_of(runtime, test.b_id)
    assert a.published_at is None and b.published_at is not None  # the archive shows what won


@pytest.mark.parametrize("off", ["everywhere", "in the article", "at the launch"])
def test_without_clicks_it_waits_for_a_press(stage: Callable[..., Stage], runtime: Runtime, off: str) -> None:
    it = stage(if_close=IfClose.A)
    if off == "at the launch":
        count_clicks(runtime, False)
    it.go()
    with runtime.database.transaction() as session:
        if off == "in the article":
            session.get_one(Campaign, it.test().b_id).article.counts_clicks = False
        brand.current(session).counts_clicks = off != "everywhere"
    it.end()
    test = it.test()
    assert (test.waits, test.winner) == (Waits.UNCOUNTED, None)


def test_clicks_that_were_deleted_tell_nothing(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.go()
    it.click(it.test().b_id, 20)
    with runtime.database.transaction() as session:
        delete_all(session)
    it.end()
    assert it.test().waits is Waits.CLOSE


def test_machines_do_not_choose(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.go()
    it.click(it.test().b_id, 20)
    with runtime.database.transaction() as session:
        session.execute(update(Click).values(machine_at=Click.person_at, person_at=None))
    it.end()
    assert it.test().waits is Waits.CLOSE
