"""What is done about a mail that came in, and what a stranger's changes: nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import articles, journey
from newsletter.clock import FixedClock
from newsletter.events import By, Event, EventKind
from newsletter.inbound.take import Taken, take
from newsletter.links import Purpose, Signer
from newsletter.mail.ledger import Attempt, Lane, Message, State, mentions, queue
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Status, Stream, Subscriber
from tests.conftest import NOON
from tests.reports import JANE, complaint, dsn, leaving

FORGED = Signer(b"somebody else's secret" * 3)


@pytest.fixture
def jane(person: Callable[..., int]) -> int:
    return person(JANE)


def _mailed(runtime: Runtime, jane: int, occasion: str = "one") -> int:
    """An article that a server took."""
    with runtime.database.transaction() as session:
        words = articles.write(session, runtime.clock.now(), title="Golf", subject="Golf", body="x").current
        person, now = session.get_one(Subscriber, jane), runtime.clock.now()
        message, _ = queue(session, person, Stream.STEP, occasion, now, revision=words)
        session.flush()
        id = message.id
    runtime.delivery.run(Lane.BULK)
    assert _state(runtime, id) is State.SENT
    return id


def _state(runtime: Runtime, id: int) -> State:
    with runtime.database.reading() as session:
        return session.get_one(Message, id).state


def _status(runtime: Runtime, jane: int) -> Status:
    with runtime.database.reading() as session:
        return session.get_one(Subscriber, jane).status


def _all(runtime: Runtime) -> list[object]:
    with runtime.database.reading() as session:
        rows: list[object] = [
            (one.id, one.state, one.reply) for one in session.scalars(select(Message).order_by(Message.id))
        ]
        rows += [(one.kind, one.words) for one in session.scalars(select(Event))]
        return [
            *rows,
            *session.scalars(select(Attempt.reply).order_by(Attempt.id)),
            *session.scalars(select(Subscriber.status)),
        ]


def test_a_bounce_to_the_return_path_ends_all_mail(runtime: Runtime, jane: int) -> None:
    id = _mailed(runtime, jane)
    raw = dsn(runtime.renderer.return_path(id))
    assert take(runtime, raw) is Taken.DONE
    assert _status(runtime, jane) is Status.BOUNCED
    with runtime.database.reading() as session:
        message = session.get_one(Message, id)
        assert (message.state, message.reply_code, message.enhanced) == (State.BOUNCED, 550, "5.1.1")
        assert message.reply == "550 5.1.1 <jane@example.com> no such user"
        event = session.scalars(select(Event).where(Event.kind == EventKind.BOUNCED)).one()
        assert (event.by, event.words) == (By.SERVER, "")
    before = _all(runtime)
    assert take(runtime, raw) is Taken.DONE
    assert _all(runtime) == before, "the same mail twice"


def test_without_a_return_path_of_its_own_the_message_id_tells(runtime: Runtime, jane: int) -> None:
    id = _mailed(runtime, jane)
    assert (
        take(runtime, dsn("bounces@example.org", returned=f"Message-ID: {runtime.renderer.message_id(id)}\n"))
        is Taken.DONE
    )
    assert _status(runtime, jane) is Status.BOUNCED


def test_letters_around_the_tag_and_their_case_do_not_matter(runtime: Runtime, jane: int) -> None:
    id = _mailed(runtime, jane)
    assert take(runtime, dsn(f"BAB{runtime.signer.return_tag(id).upper()}e@example.org")) is Taken.DONE
    assert _status(runtime, jane) is Status.BOUNCED


def test_what_nobody_has_signed_changes_nothing(runtime: Runtime, jane: int) -> None:
    id = _mailed(runtime, jane)
    before = _all(runtime)
    tags = (FORGED.return_tag(id), f"{id:x}-{'0' * 16}", runtime.signer.message_tag(id))
    for tag in tags:  # the last is that of the Message-ID, which is another than the return path's
        assert take(runtime, dsn(f"b+{tag}@localhost")) is Taken.LEFT
    tag = FORGED.message_tag(id)
    for raw in (
        dsn("paul@example.org"), complaint("paul@example.org", f"Message-ID: <{tag}@localhost>\nTo: {JANE}\n"),
        leaving(f"unsubscribe {id}"), leaving(f"unsubscribe {FORGED.token(Purpose.UNSUBSCRIBE, jane, id)}"),
        leaving(f"unsubscribe {runtime.signer.token(Purpose.PREFERENCES, jane)}"), b"Subject: hello\n\nPaul", b"\0",
    ):  # fmt: skip
        assert take(runtime, raw) is Taken.LEFT
    assert _all(runtime) == before


def test_a_full_mailbox_ends_mail_at_the_third_time_in_two_weeks(
    runtime: Runtime, jane: int, clock: FixedClock
) -> None:
    said = "552 5.2.2 mailbox full"
    seen = []
    for days in (0, 7, 8):
        id = _mailed(runtime, jane, str(days))
        assert take(runtime, dsn(runtime.renderer.return_path(id), status="5.2.2", said=said)) is Taken.DONE
        assert _state(runtime, id) is State.BOUNCED
        seen.append(_status(runtime, jane))
        clock.forward(timedelta(days=days or 7))
    assert seen == [Status.CONFIRMED, Status.CONFIRMED, Status.BOUNCED]


def test_a_refusal_for_policy_ends_nobodys_mail(runtime: Runtime, jane: int) -> None:
    id = _mailed(runtime, jane)
    assert take(runtime, dsn(runtime.renderer.return_path(id), status="5.7.1", said="550 5.7.1 spam")) is Taken.DONE
    assert (_state(runtime, id), _status(runtime, jane)) == (State.BOUNCED, Status.CONFIRMED)


def test_of_whom_an_address_passes_mail_on_to_one_gone_is_not_enough(runtime: Runtime, jane: int) -> None:
    id = _mailed(runtime, jane)
    more = ("Final-Recipient: rfc822; bob@example.com", "Action: failed", "Status: 4.4.7", "Diagnostic-Code: expired")
    raw = dsn(runtime.renderer.return_path(id), recipient="team@example.com", more=more)
    assert take(runtime, raw) is Taken.DONE
    assert _status(runtime, jane) is Status.CONFIRMED


@pytest.mark.parametrize("by", ["message", "link", "return"])
def test_a_complaint_ends_all_mail_with_the_recipient_redacted(by: str, runtime: Runtime, jane: int) -> None:
    id = _mailed(runtime, jane)
    returned = {
        "message": f"Message-ID: {runtime.renderer.message_id(id)}\n",
        "link": f"List-Unsubscribe: <{runtime.renderer.urls.unsubscribe(jane, id)}>\n",
        "return": f"Return-Path: <{runtime.renderer.return_path(id)}>\n",
    }[by]
    raw = complaint("loop@example.org", returned)
    assert take(runtime, raw) is Taken.DONE
    assert (_state(runtime, id), _status(runtime, jane)) == (State.COMPLAINED, Status.COMPLAINED)
    before = _all(runtime)
    assert take(runtime, raw) is take(runtime, dsn(runtime.renderer.return_path(id))) is Taken.DONE
    assert _all(runtime) == before, "neither again, nor does a bounce take the complaint back"


def test_a_report_before_our_own_record_waits(runtime: Runtime, jane: int) -> None:
    id = _mailed(runtime, jane)
    with runtime.database.transaction() as session:
        session.get_one(Message, id).state = State.SENDING
    for raw in (
        dsn(runtime.renderer.return_path(id)),
        complaint("x@example.org", f"M: {runtime.signer.message_tag(id)}\n"),
    ):
        assert take(runtime, raw) is Taken.LATER
    assert _status(runtime, jane) is Status.CONFIRMED


def test_leaving_by_the_address_in_the_mail_is_leaving(
    runtime: Runtime, jane: int, inbox: Callable[[str], list[object]], sent: SentList
) -> None:
    _mailed(runtime, jane)
    (mail,) = inbox(JANE)
    mailto = str(mail["List-Unsubscribe"]).rpartition("<mailto:")[2].rstrip(">")  # type: ignore[index]
    address, _, subject = mailto.partition("?subject=")
    assert address == "paul@human-movement.com"
    assert take(runtime, leaving(subject.replace("%20", " "))) is Taken.DONE
    assert _status(runtime, jane) is Status.UNSUBSCRIBED
    with runtime.database.reading() as session:
        event = session.scalars(select(Event).where(Event.kind == EventKind.LEFT)).one()
        assert (event.by, event.page) == (By.ONE_CLICK, "mailto")
    before = _all(runtime)
    assert take(runtime, leaving(subject.replace("%20", " "))) is Taken.DONE
    assert _all(runtime) == before
    assert len(sent.envelopes) == 1, "no goodbye: nobody asked for one"


def test_an_automatic_answer_leaves_nobody(runtime: Runtime, jane: int) -> None:
    token = runtime.signer.token(Purpose.UNSUBSCRIBE, jane, 1)
    for mark in ("Auto-Submitted: auto-replied", "Return-Path: <>"):
        assert take(runtime, leaving(f"unsubscribe {token}", mark)) is Taken.LEFT
    assert _status(runtime, jane) is Status.CONFIRMED


def test_an_erased_address_is_named_in_no_report_about_another(runtime: Runtime, jane: int) -> None:
    id = _mailed(runtime, jane)
    raw = dsn(
        runtime.renderer.return_path(id), recipient="bob@example.net", said="550 5.1.1 bob@example.net is unknown"
    )
    assert take(runtime, raw) is Taken.DONE
    assert "bob@example.net" in str(_all(runtime))
    with runtime.database.transaction() as session:
        mentions.forget_mentions(session, "bob@example.net")
    assert "bob@example.net" not in str(_all(runtime))


def test_what_comes_back_of_the_erased_is_taken_and_forgotten(runtime: Runtime, jane: int) -> None:
    id = _mailed(runtime, jane)
    with runtime.database.transaction() as session:
        journey.erase(session, runtime, session.get_one(Subscriber, jane), NOON)
    token = runtime.signer.token(Purpose.UNSUBSCRIBE, jane, id)
    for raw in (dsn(runtime.renderer.return_path(id)), leaving(f"unsubscribe {token}")):
        assert take(runtime, raw) is Taken.DONE
    with runtime.database.reading() as session:
        assert session.scalars(select(Subscriber)).all() == []


def test_words_that_no_database_takes_are_cleaned(runtime: Runtime, jane: int) -> None:
    id = _mailed(runtime, jane)
    assert take(runtime, dsn(runtime.renderer.return_path(id), said="550 5.1.1 no \x00such\x07 user")) is Taken.DONE
    with runtime.database.reading() as session:
        assert session.get_one(Message, id).reply == "550 5.1.1 no such user"
