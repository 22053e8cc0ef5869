"""A campaign that is going out is given other words: who gets which, and that the ledger knows."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import articles, brand, campaigns
from newsletter.articles import Revision
from newsletter.campaigns import Campaign, NotNow
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.mail import ledger
from newsletter.mail.ledger import Dispatch, Lane, Message, Outcome, State
from newsletter.mail.ledger.claim import BatchClaim
from newsletter.mail.ledger.contents import RevisionImpact, revisions_used
from newsletter.mail.render import Content
from newsletter.runtime import Runtime
from newsletter.smtp import Envelope, SentList, SmtpResult, Stage
from tests.conftest import NOON

OLD, NEW = Content("Golf", "", "Turn both ways."), Content("Tennis", "New", "Serve {{ first_name }}.")
PEOPLE = 6


@pytest.fixture
def people(person: Callable[..., int]) -> list[int]:
    return [person(f"p{number}@example.com") for number in range(PEOPLE)]


@pytest.fixture
def golf(database: Database, people: list[int]) -> int:
    """A campaign to six people, launched; nobody is written down yet."""
    with database.transaction() as session:
        article = articles.write(session, NOON, title="Golf", subject=OLD.subject, body=OLD.body)
        campaign = Campaign(article=article, created_at=NOON)
        session.add(campaign)
        campaign.schedule(NOON, brand.current(session))
        session.flush()
        id = campaign.id
    with database.transaction() as session:
        campaigns.launch_due(session, NOON)
    return id


@pytest.fixture
def filled(golf: int, database: Database) -> int:
    """The same in two batches of four and two."""
    _fill(database, 4)
    _fill(database, 4)
    _fill(database, 4)
    return golf


def _fill(database: Database, chunk: int) -> None:
    with database.transaction() as session:
        campaigns.fill_next(session, NOON, chunk)


@contextmanager
def _campaign(database: Database, id: int) -> Iterator[tuple[Session, Campaign]]:
    with database.transaction() as session:
        yield session, session.get_one(Campaign, id)


def _act(database: Database, id: int, verb: str) -> None:
    with _campaign(database, id) as (_, campaign):
        getattr(campaign, verb)()


def _revise(database: Database, id: int, words: Content = NEW) -> RevisionImpact:
    with _campaign(database, id) as (session, campaign):
        return campaign.revise(session, words, NOON)


def _claim(database: Database, token: str = "a") -> BatchClaim:
    with database.transaction() as session:
        claim = ledger.claim(session, Lane.BULK, token, NOON, 10)
    assert isinstance(claim, BatchClaim)
    return claim


def _subjects(database: Database) -> list[str]:
    """In which words each person got it, by the ledger."""
    with database.reading() as session:
        look = select(Revision.subject).join(Message, Message.revision_id == Revision.id).order_by(Message.id)
        return list(session.scalars(look))


def _counts(database: Database, id: int) -> dict[State, int]:
    with _campaign(database, id) as (session, campaign):
        return {state: count for state, count in campaign.counts(session).items() if count}


def _deliver(runtime: Runtime) -> None:
    while runtime.delivery.run(Lane.BULK):
        pass


def _subject(envelope: Envelope) -> str:
    head = bytes(envelope.data).split(b"Subject: ", 1)[1]
    return head.split(b"\r\n", 1)[0].decode()


def test_whoever_is_tried_after_the_change_gets_the_new_words_and_the_ledger_knows(
    filled: int, runtime: Runtime, database: Database
) -> None:
    runtime.delivery.run(Lane.BULK)
    _act(database, filled, "pause")
    turn = _revise(database, filled)
    assert (turn.have, turn.to_come, turn.first, turn.email, turn.behind) == (4, 2, 5, "p4@example.com", 0)
    assert turn.told == [
        "4 people have it already in the old words.",
        "The new ones go to 2 people, from No. 5 (p4@example.com) on.",
    ]
    assert runtime.delivery.run(Lane.BULK) == 0, "it stays held"
    _act(database, filled, "resume")
    _deliver(runtime)
    sent = runtime.transport
    assert isinstance(sent, SentList)
    got = {one.recipient: _subject(one) for one in sent.envelopes}
    assert len(sent.envelopes) == PEOPLE
    assert [got[f"p{number}@example.com"] for number in range(PEOPLE)] == ["Golf"] * 4 + ["Tennis"] * 2
    assert _subjects(database) == ["Golf"] * 4 + ["Tennis"] * 2
    with _campaign(database, filled) as (session, campaign):
        assert campaign.dispatch is not None
        assert [(one.number, count) for one, count in revisions_used(session, campaign.dispatch)] == [(1, 4), (2, 2)]


def test_a_batch_stopped_in_its_middle_is_split_where_it_stopped(
    filled: int, runtime: Runtime, database: Database
) -> None:
    runtime.transport = first = SentList()
    runtime.delivery.run(Lane.BULK, lambda: len(first.envelopes) == 2)
    _act(database, filled, "pause")
    assert _revise(database, filled).first == 3
    _act(database, filled, "resume")
    runtime.transport = rest = SentList()
    _deliver(runtime)
    assert sorted(one.recipient for one in [*first.envelopes, *rest.envelopes]) == [
        f"p{number}@example.com" for number in range(PEOPLE)
    ]
    assert _subjects(database) == ["Golf"] * 2 + ["Tennis"] * 4
    assert {_subject(one) for one in rest.envelopes} == {"Tennis"}


def test_words_given_while_recipients_are_written_go_to_all_the_others(
    golf: int, runtime: Runtime, database: Database
) -> None:
    _fill(database, 4)
    runtime.delivery.run(Lane.BULK)
    _act(database, golf, "pause")
    turn = _revise(database, golf)
    assert (turn.have, turn.to_come, turn.first, turn.email, turn.filling) == (4, 2, 5, "p4@example.com", True)
    _act(database, golf, "resume")
    _fill(database, 4)
    _deliver(runtime)
    assert _subjects(database) == ["Golf"] * 4 + ["Tennis"] * 2


def test_a_second_try_keeps_the_words_of_the_first(filled: int, runtime: Runtime, database: Database) -> None:
    def answer(one: Envelope) -> SmtpResult:
        stage = Stage.REJECTED if one.recipient.startswith("p1") else Stage.ACCEPTED
        return SmtpResult(one.key, stage, 451 if stage is Stage.REJECTED else 250, "", "later", "mx:25", ".")

    runtime.transport = SentList(answer)
    runtime.delivery.run(Lane.BULK)
    _act(database, filled, "pause")
    turn = _revise(database, filled)
    assert (turn.have, turn.again, turn.to_come) == (3, 1, 2)
    assert "1 person waits for a second try, and that goes in the words of the first." in turn.told
    _act(database, filled, "resume")
    assert isinstance(runtime.clock, FixedClock)
    runtime.clock.forward(timedelta(hours=2))
    runtime.transport = later = SentList()
    _deliver(runtime)
    assert {one.recipient[:2]: _subject(one) for one in later.envelopes} == {
        "p1": "Golf",
        "p4": "Tennis",
        "p5": "Tennis",
    }
    assert _subjects(database) == ["Golf"] * 4 + ["Tennis"] * 2


def test_those_after_the_first_who_had_their_turn_are_told(filled: int, runtime: Runtime, database: Database) -> None:
    slow = _claim(database)
    runtime.delivery.run(Lane.BULK)  # the second batch
    with database.transaction() as session:
        slow.finish(session, [], NOON, (), None)
    _act(database, filled, "pause")
    turn = _revise(database, filled)
    assert (turn.first, turn.behind, turn.to_come) == (1, 2, 4)
    assert any("2 of those after No. 1 had their turn already" in line for line in turn.told)


def test_it_waits_for_what_is_on_the_wire(filled: int, database: Database) -> None:
    claim = _claim(database)
    _act(database, filled, "pause")
    with pytest.raises(NotNow, match="still on the wire"):
        _revise(database, filled)
    with database.transaction() as session:
        claim.finish(session, [], NOON, (), None)
    _revise(database, filled)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (OLD, "has already"),
        (Content(" ", "", "x"), "a subject and a text"),
        (Content("x", "", "\n"), "a subject and a text"),
    ],
)
def test_words_that_change_nothing_or_are_none_are_refused(
    words: Content, told: str, filled: int, database: Database
) -> None:
    _act(database, filled, "pause")
    with pytest.raises(NotNow, match=told):
        _revise(database, filled, words)
    with _campaign(database, filled) as (_, campaign):
        assert len(campaign.article.revisions) == 1


def test_only_what_is_held_and_not_over_can_be_given_words(filled: int, runtime: Runtime, database: Database) -> None:
    with pytest.raises(NotNow, match="Pause it first"):
        _revise(database, filled)
    _deliver(runtime)
    _act(database, filled, "pause")
    with pytest.raises(NotNow, match="Nobody is left"):
        _revise(database, filled)
    with _campaign(database, filled) as (session, campaign):
        campaign.cancel(session, NOON)
    with pytest.raises(NotNow, match="this one is cancelled"):
        _revise(database, filled)
    with _campaign(database, filled) as (session, _):
        draft = Campaign(article=articles.write(session, NOON, title="t", subject="s", body="b"), created_at=NOON)
        session.add(draft)
        with pytest.raises(NotNow, match="edit its article instead"):
            draft.revise(session, NEW, NOON)


def test_the_articles_own_newer_words_are_used_and_not_doubled(filled: int, database: Database) -> None:
    with _campaign(database, filled) as (_, campaign):
        campaign.article.revise(NOON, subject=NEW.subject, preheader=NEW.preheader, body=NEW.body)
    _act(database, filled, "pause")
    _revise(database, filled)
    with _campaign(database, filled) as (_, campaign):
        assert campaign.dispatch is not None
        assert (campaign.dispatch.revision.number, len(campaign.article.revisions)) == (2, 2)


def _work(database: Database, token: str) -> int:
    """What a worker does with one batch; how many it sent in words that its dispatch did not have at that moment."""
    with database.transaction() as session:
        claim = ledger.claim(session, Lane.BULK, token, NOON, 10, mark=1)
    if not isinstance(claim, BatchClaim):
        return 0
    with database.transaction() as session:
        sending = claim.sending
        in_force = session.scalar(select(Dispatch.revision_id).where(Dispatch.id == claim.range.dispatch_id))
    with database.transaction() as session:
        claim.finish(session, [Outcome(id, State.SENT, 250, "ok", "mx:25") for id in sending], NOON, (), None)
    return len(sending) if claim.range.revision_id != in_force else 0


def test_claims_and_changes_at_the_same_time_never_mix_words(golf: int, database: Database) -> None:
    for _ in range(PEOPLE + 1):
        _fill(database, 1)  # a batch for each

    def change(number: int) -> bool:
        _act(database, golf, "pause")
        for _ in range(50):
            with suppress(NotNow):  # something is on the wire, or all had their turn
                _revise(database, golf, Content(f"Tennis {number}", "", "Serve."))
                break
        else:
            number = 0
        _act(database, golf, "resume")
        return number > 0

    with ThreadPoolExecutor(3) as pool:
        changes = pool.submit(lambda: [change(number) for number in (1, 2, 3)])
        wrong = [pool.submit(_work, database, f"worker {number}") for number in range(PEOPLE * 4)]
        assert any(changes.result(60))
        assert sum(one.result(60) for one in wrong) == 0
    while _counts(database, golf).get(State.READY):
        assert _work(database, "last") == 0
    assert _counts(database, golf) == {State.SENT: PEOPLE}
