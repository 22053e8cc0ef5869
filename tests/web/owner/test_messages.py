"""Uncertain and failed mail: the owner decides, one by one."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from newsletter.articles import Article
from newsletter.mail.ledger import Dispatch, Hold, Lane, Message, State, queue
from newsletter.runtime import Runtime
from newsletter.smtp import SentList, Stage
from newsletter.subscribers import Stream, Subscriber
from tests.web.owner.conftest import Desk, answering


@pytest.fixture
def lost(runtime: Runtime, person: Callable[..., int], sent: SentList, article: int) -> int:
    """A series article to Jane of which nobody knows whether it arrived."""
    id = person("jane@example.com", "Jane")
    answering(sent, Stage.LOST_AFTER, 0, "", "The connection was lost after the final dot")
    with runtime.database.transaction() as session:
        jane, now = session.get_one(Subscriber, id), runtime.clock.now()
        words = session.get_one(Article, article).current
        message, _ = queue(session, jane, Stream.STEP, "step:1:1", now, revision=words, context={"guide": None})
        number = message.id
    runtime.delivery.run(Lane.BULK)
    return number


def state_of(runtime: Runtime, id: int) -> State:
    with runtime.database.reading() as session:
        return session.get_one(Message, id).state


def test_the_list_shows_who_what_and_the_servers_words(desk: Desk, lost: int) -> None:
    words = desk.read("/owner/messages?state=uncertain")
    assert "uncertain 1" in words
    assert "Series article: On walking To jane@example.com" in words
    assert "The connection was lost after the final dot" in words
    assert "would get it twice" in words
    assert "1 uncertain" in desk.read("/owner/")


def test_send_again_sends_once_more_under_the_same_id(desk: Desk, lost: int, runtime: Runtime, sent: SentList) -> None:
    answering(sent, Stage.ACCEPTED, 250, "2.0.0", "2.0.0 Ok")
    assert "sent once more" in desk.told(f"/owner/messages/{lost}/send-again")
    runtime.delivery.run(Lane.BULK)
    assert state_of(runtime, lost) is State.SENT
    assert len(sent.envelopes) == 2
    first, second = (one.data.split(b"Message-ID: ")[1].split(b"\r\n")[0] for one in sent.envelopes)
    assert first == second
    assert "Only a failed or uncertain message" in desk.told(f"/owner/messages/{lost}/send-again")
    assert len(sent.envelopes) == 2


def test_somebody_who_left_meanwhile_gets_nothing_again(
    desk: Desk, lost: int, runtime: Runtime, sent: SentList
) -> None:
    with runtime.database.transaction() as session:
        session.scalars(select(Subscriber)).one().unsubscribe(runtime.clock.now())
    desk.post(f"/owner/messages/{lost}/send-again")
    runtime.delivery.run(Lane.BULK)
    assert state_of(runtime, lost) is State.CANCELLED
    assert len(sent.envelopes) == 1


def test_leaving_it_takes_it_off_the_list_and_keeps_the_truth(desk: Desk, lost: int, runtime: Runtime) -> None:
    assert "Left as it is." in desk.told(f"/owner/messages/{lost}/leave")
    assert state_of(runtime, lost) is State.UNCERTAIN
    assert "Nothing uncertain" in desk.read("/owner/messages?state=uncertain")
    assert "jane@example.com" in desk.read("/owner/messages?state=uncertain&reviewed=yes")
    assert "Needs a look" not in desk.read("/owner/")


def test_nothing_of_a_cancelled_campaign_is_sent_again(desk: Desk, lost: int, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        message = session.get_one(Message, lost)
        dispatch = Dispatch(
            revision_id=message.revision_id,
            idempotency_key="campaign:9",
            hold=Hold.CANCELLED,
            created_at=runtime.clock.now(),
            fill_until=1,
        )
        session.add(dispatch)
        session.flush()
        message.dispatch_id = dispatch.id
    assert "Its campaign is cancelled" in desk.told(f"/owner/messages/{lost}/send-again")
    assert state_of(runtime, lost) is State.UNCERTAIN


def test_an_unknown_state_shows_the_uncertain_ones(desk: Desk) -> None:
    assert "Nothing uncertain" in desk.read("/owner/messages?state=%3Cscript%3E")
