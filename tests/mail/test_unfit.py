"""Texts written under older rules: nobody gets half a mail, nothing is lost, and the owner is told."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest
from sqlalchemy import select, update

from newsletter import accounts, articles, campaigns
from newsletter.articles import Revision
from newsletter.brand import current
from newsletter.campaigns import Campaign, CampaignState
from newsletter.mail import ledger
from newsletter.mail.ledger import Message, State
from newsletter.mail.ledger.queue import update_waiting_steps
from newsletter.mail.render import Content
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Stream, Subscriber
from tests.conftest import InlineTrigger

OLD = "{% for x in (1, 2) %}{{ brand.metadata }}{% endfor %}"
PAULA = "paula@example.org"


@pytest.fixture(autouse=True)
def _owner(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        accounts.create(session, PAULA, "a long enough password", runtime.clock.now())


def _campaign(runtime: Runtime, body: str) -> int:
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        article = articles.write(session, now, title="t", subject="s", body=body)
        made = Campaign(article=article, created_at=now)
        session.add(made)
        made.schedule(now, current(session))
        session.flush()
        id = made.id
    for step in (campaigns.launch_due, campaigns.fill_next):
        with runtime.database.transaction() as session:
            step(session, runtime.clock.now())
    return id


def _states(runtime: Runtime, stream: Stream) -> list[State]:
    with runtime.database.reading() as session:
        return list(session.scalars(select(Message.state).where(Message.stream == stream)))


def test_a_campaign_is_paused_with_the_reason_and_goes_out_whole_in_other_words(
    runtime: Runtime, person: Callable[..., int], sent: SentList, trigger: InlineTrigger,
    inbox: Callable[[str], list[EmailMessage]],
) -> None:  # fmt: skip
    for number in range(30):
        person(f"p{number}@example.com")
    id = _campaign(runtime, OLD)
    trigger.wake()
    trigger.wake()  # the notice was queued by the first
    assert {one.recipient for one in sent.envelopes} == {PAULA}
    (notice,) = inbox(PAULA)
    assert "only if, elif, else" in str(notice.get_body(("plain",)))
    assert set(_states(runtime, Stream.CAMPAIGN)) == {State.READY}
    with runtime.database.transaction() as session:
        campaign = session.get_one(Campaign, id)
        assert campaign.state is CampaignState.PAUSED and campaign.dispatch is not None
        assert "cannot be put together. {% for x in (1, 2) %} in line 1" in campaign.dispatch.hold_reason
        campaign.revise(session, Content("s", "", "{{ greeting }}"), runtime.clock.now())
        campaign.resume()
    trigger.wake()
    assert set(_states(runtime, Stream.CAMPAIGN)) == {State.SENT}
    assert len([one for one in sent.envelopes if one.recipient != PAULA]) == 30


def test_a_campaign_that_is_resumed_unchanged_is_paused_again(
    runtime: Runtime, person: Callable[..., int], sent: SentList, trigger: InlineTrigger
) -> None:
    person("ann@example.com")
    id = _campaign(runtime, OLD)
    for _ in range(2):
        trigger.wake()
        with runtime.database.transaction() as session:
            campaign = session.get_one(Campaign, id)
            assert campaign.state is CampaignState.PAUSED
            campaign.resume()
    assert {one.recipient for one in sent.envelopes} <= {PAULA}


def test_a_step_waits_for_its_article_and_the_owner_is_told_once(
    runtime: Runtime, person: Callable[..., int], sent: SentList, trigger: InlineTrigger,
    inbox: Callable[[str], list[EmailMessage]],
) -> None:  # fmt: skip
    people = [person("ann@example.com", "Ann"), person("ben@example.com")]
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        article = articles.write(session, now, title="t", subject="s", body=OLD)
        session.flush()
        for number, id in enumerate(people):
            to = session.get_one(Subscriber, id)
            context = {"guide": "exercise-at-50"}
            ledger.queue(session, to, Stream.STEP, f"step:{number}:1", now, revision=article.current, context=context)
        article_id = article.id
    trigger.wake()
    trigger.wake()  # the notice was queued by the first
    assert _states(runtime, Stream.STEP) == [State.DEFERRED, State.DEFERRED]
    assert [mail["Subject"] for mail in inbox(PAULA)] == ["An article of a series cannot be sent"]
    with runtime.database.transaction() as session:
        mended = session.get_one(articles.Article, article_id)
        mended.revise(runtime.clock.now(), subject="s", preheader="", body="{{ greeting }}")
        session.flush()
        assert update_waiting_steps(session, mended, runtime.clock.now()) == 2
    trigger.wake()
    assert _states(runtime, Stream.STEP) == [State.SENT, State.SENT]
    assert "Hello Ann" in str(inbox("ann@example.com")[0].get_body(("plain",)))
    assert len(inbox(PAULA)) == 1


def test_what_was_tried_already_in_words_that_are_refused_now_has_failed(
    runtime: Runtime, person: Callable[..., int], trigger: InlineTrigger
) -> None:
    id = person("ann@example.com")
    with runtime.database.transaction() as session:
        words = articles.write(session, runtime.clock.now(), title="t", subject="s", body=OLD).current
        to = session.get_one(Subscriber, id)
        ledger.queue(session, to, Stream.STEP, "step:1:1", runtime.clock.now(), revision=words, context={"guide": "g"})
        session.execute(update(Message).values(attempts=1))
    trigger.wake()
    assert _states(runtime, Stream.STEP) == [State.FAILED]


def test_a_stored_text_with_control_characters_goes_out_without_them(
    runtime: Runtime, person: Callable[..., int], trigger: InlineTrigger, inbox: Callable[[str], list[EmailMessage]]
) -> None:
    id = person("ann@example.com")
    with runtime.database.transaction() as session:
        words = articles.write(session, runtime.clock.now(), title="t", subject="s", body="x").current
        session.flush()
        session.execute(update(Revision).where(Revision.id == words.id).values(body="one\x0btwo\x07"))
        to = session.get_one(Subscriber, id)
        ledger.queue(session, to, Stream.STEP, "step:1:1", runtime.clock.now(), revision=words, context={"guide": "g"})
    trigger.wake()
    text = str(inbox("ann@example.com")[0].get_body(("plain",)))
    assert "one two" in text and "\x0b" not in text and "\x07" not in text
