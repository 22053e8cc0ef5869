"""What the send lock holds: it is all listed, and goes, or not, as the owner says of each."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from newsletter import articles, held, installation, jobs, sequences
from newsletter.brand import current as brand_of
from newsletter.campaigns import Campaign, CampaignState
from newsletter.held import HeldKind, Undecided
from newsletter.installation import LockReason
from newsletter.mail import ledger
from newsletter.mail.ledger import Dispatch, Lane, Message, State
from newsletter.mail.ledger.queue import fill
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, Sequence
from newsletter.subscribers import Consent, Segment, Stream, Subscriber
from newsletter.wordings import wording_id
from tests.conftest import InlineTrigger

Inbox = Callable[[str], list[EmailMessage]]
ZONE = "Europe/London"


@pytest.fixture
def restored(runtime: Runtime, person: Callable[..., int]) -> list[int]:
    """Four readers: a campaign that two had, one that was to start, a series that is due, a goodbye, a reminder."""
    readers = [person(f"r{number}@example.com") for number in range(4)]
    pending = person("pending@example.com", confirmed=False)
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        session.add(Consent(subscriber_id=pending, newsletter=True, wording_id=wording_id(session, "yes"),
                            given_at=now))  # fmt: skip
        words = articles.write(session, now, title="Golf", subject="Golf", body="x")
        key, until = "campaign:7", readers[1]
        begun = Dispatch(revision_id=words.current.id, idempotency_key=key, created_at=now, fill_until=until)
        session.add(begun)
        session.flush()
        fill(session, begun, Segment().condition(), now, 10)
        session.add(Campaign(article=words, dispatch=begun, stored_state=CampaignState.SENDING, launched_at=now,
                             created_at=now))  # fmt: skip
        runtime_sequence = session.scalars(select(Sequence).order_by(Sequence.id)).first()
        assert runtime_sequence is not None
        for id in readers[:3]:
            sequences.enroll(session, session.get_one(Subscriber, id), runtime_sequence, ZONE, now)
    runtime.delivery.run(Lane.BULK)
    with runtime.database.transaction() as session:
        begun = session.scalars(select(Dispatch)).one()
        begun.fill_until, begun.filled_at = readers[3], None
        fill(session, begun, Segment().condition(), now, 10)
        other = articles.write(session, now, title="Walks", subject="Walks", body="x")
        later = Campaign(article=other, created_at=now)
        session.add(later)
        later.schedule(now + timedelta(hours=1), brand_of(session))
        ledger.queue(session, session.get_one(Subscriber, readers[0]), Stream.GOODBYE, "goodbye:1", now, context={})
        session.flush()
        newest = max(session.scalars(select(Message.id)))
        installation.current(session).lock(LockReason.RESTORED, newest, now, now)
    runtime.clock.forward(timedelta(days=4))  # type: ignore[attr-defined]
    return readers


def _held(runtime: Runtime) -> dict[str, tuple[HeldKind, int, int]]:
    with runtime.database.reading() as session:
        return {one.title: (one.kind, one.people, one.gone) for one in held.held(session, runtime.clock.now())}


def _unlock(runtime: Runtime, sends: bool, *but: HeldKind) -> None:
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        chosen = {one.key: sends is not (one.kind in but) for one in held.held(session, now)}
        held.unlock(session, chosen, ZONE, now)


def _turn(runtime: Runtime, trigger: InlineTrigger) -> None:
    for _ in range(2):
        jobs.launch_campaigns(runtime, lambda: False, lambda: None)
        for job in (jobs.advance_sequences, jobs.remind_and_forget):
            job(runtime, lambda: False)
        trigger.wake()


def _subjects(inbox: Inbox, email: str) -> list[str]:
    return [str(mail["subject"]) for mail in inbox(email)]


def test_everything_that_would_go_is_listed_with_its_numbers(restored: list[int], runtime: Runtime) -> None:
    series = next(title for title, (kind, _, _) in _held(runtime).items() if kind is HeldKind.SEQUENCE)
    assert _held(runtime) == {
        "Golf": (HeldKind.CAMPAIGN, 2, 2),
        "Walks": (HeldKind.CAMPAIGN, 4, 0),
        series: (HeldKind.SEQUENCE, 3, 0),
        "goodbye": (HeldKind.MESSAGES, 1, 0),
        "reminder": (HeldKind.REMINDERS, 1, 0),
    }


def test_what_is_let_be_never_goes_and_the_series_goes_on(
    restored: list[int], runtime: Runtime, trigger: InlineTrigger, inbox: Inbox
) -> None:
    before = {email: len(inbox(email)) for email in (f"r{number}@example.com" for number in range(4))}
    _unlock(runtime, False)
    _turn(runtime, trigger)
    assert {email: len(inbox(email)) for email in before} == before
    assert inbox("pending@example.com") == []
    with runtime.database.reading() as session:
        states = {one.article.title: one.state for one in session.scalars(select(Campaign))}
        assert (states["Golf"], states["Walks"]) == (CampaignState.CANCELLED, CampaignState.DRAFT)
        due = session.scalars(select(Enrollment.due_at)).all()
        assert all(one is not None and one > runtime.clock.now() for one in due)
        assert not held.held(session, runtime.clock.now())
    runtime.clock.forward(timedelta(days=20))  # type: ignore[attr-defined]
    _turn(runtime, trigger)
    assert len(inbox("r0@example.com")) == before["r0@example.com"] + 1, "the next article, in its time"


def test_what_is_sent_goes_once(restored: list[int], runtime: Runtime, trigger: InlineTrigger, inbox: Inbox) -> None:
    _unlock(runtime, True)
    _turn(runtime, trigger)
    for number in range(4):
        assert _subjects(inbox, f"r{number}@example.com").count("Golf") == 1
        assert _subjects(inbox, f"r{number}@example.com").count("Walks") == 1
    assert len(inbox("pending@example.com")) == 1


def test_each_is_decided_by_itself(restored: list[int], runtime: Runtime, trigger: InlineTrigger, inbox: Inbox) -> None:
    _unlock(runtime, False, HeldKind.CAMPAIGN)
    _turn(runtime, trigger)
    assert _subjects(inbox, "r3@example.com") == ["Golf", "Walks"]
    assert inbox("pending@example.com") == []
    assert "You are unsubscribed" not in _subjects(inbox, "r0@example.com")


def test_nothing_may_stay_undecided(restored: list[int], runtime: Runtime) -> None:
    with pytest.raises(Undecided, match="Golf"), runtime.database.transaction() as session:
        held.unlock(session, {}, ZONE, runtime.clock.now())
    with runtime.database.reading() as session:
        assert installation.current(session).is_locked
        assert State.CANCELLED not in session.scalars(select(Message.state)).all()
