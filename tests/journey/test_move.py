"""Another address: asked for on one's own page, done by a press at the new one, told to the present one."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsletter import clicks, data_export, journey
from newsletter.feedback.bounce import bounced
from newsletter.feedback.suppress import suppress
from newsletter.journey import LinkOver, Stayed
from newsletter.mail.incoming import Failure
from newsletter.mail.ledger import Lane, Message, State
from newsletter.mail.replies import BounceClass
from newsletter.runtime import Runtime
from newsletter.sequences import EnrollmentStatus
from newsletter.smtp import SentList
from newsletter.subscribers import (
    AddressChange,
    Status,
    Stream,
    Subscriber,
    Suppression,
    SuppressionReason,
    TopicChoice,
    address_hash,
    read_address,
)
from tests.conftest import NOON, FixedClock, InlineTrigger
from tests.journey.conftest import FIFTY, JANE, Street
from tests.journey.moving import NEW, PRESS, THERE, ask, newest, press, stay


def _to(sent: SentList, trigger: InlineTrigger) -> list[str]:
    sent.envelopes.clear()
    trigger.wake()
    return [one.recipient for one in sent.envelopes]


@pytest.fixture
def reader(street: Street, trigger: InlineTrigger) -> Street:
    """Jane, with a topic of the newsletter and a series."""
    street.sign_up(newsletter=True, topics=TopicChoice.of({1}))
    street.press_newest()
    trigger.wake()
    return street


def test_both_mailboxes_are_written_to_and_nothing_changes_yet(
    reader: Street, runtime: Runtime, sent: SentList, trigger: InlineTrigger
) -> None:
    assert ask(runtime)
    assert sorted(_to(sent, trigger)) == [JANE, NEW]
    assert JANE not in str([one.data for one in sent.envelopes if one.recipient == NEW]), "whose it is now is not told"
    assert reader.person().email == JANE
    assert reader.person(NEW).status is Status.PENDING


def test_the_press_at_the_new_one_moves_all_they_have(
    reader: Street, runtime: Runtime, sent: SentList, trigger: InlineTrigger
) -> None:
    before = reader.person()
    ask(runtime)
    assert press(runtime) == before.id, "links in old mails carry that number"
    moved = reader.person(NEW)
    assert (moved.id, moved.status, moved.newsletter) == (before.id, Status.CONFIRMED, True)
    assert reader.topics(NEW) == TopicChoice.of({1})
    assert reader.statuses() == [(FIFTY, EnrollmentStatus.ACTIVE)]
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count(Subscriber.id))) == 1
    reader.send_articles(4, trigger.wake)
    assert {one.recipient for one in sent.envelopes if one.recipient != JANE} == {NEW}


def test_pressed_twice_is_as_good_as_once(reader: Street, runtime: Runtime) -> None:
    ask(runtime)
    assert press(runtime) == press(runtime) == reader.person(NEW).id
    reader.sign_up("ann@example.com", guide=None, newsletter=True)
    reader.press_newest("ann@example.com")
    ask(runtime, "ann@example.com", NEW)
    assert press(runtime) == press(runtime) == reader.person("ann@example.com").id


def test_what_was_read_and_pressed_there_is_a_row(reader: Street, runtime: Runtime) -> None:
    before = len(reader.consents())
    ask(runtime)
    press(runtime)
    press(runtime)
    *_, newest = rows = reader.consents(NEW)
    assert len(rows) == before + 1
    assert (newest.wording.words, newest.page, newest.newsletter, newest.every_topic) == (
        THERE.words,
        "/own",
        True,
        False,
    )
    assert newest.confirmed_at == newest.given_at == NOON


def test_the_present_one_stops_it(reader: Street, runtime: Runtime) -> None:
    ask(runtime)
    assert [stay(runtime), stay(runtime)] == [Stayed.STOPPED, Stayed.STOPPED]
    with pytest.raises(LinkOver):
        press(runtime)
    assert reader.person().email == JANE


@pytest.mark.parametrize("since", ["a day", "another one", "left", "gone"])
def test_what_has_happened_since_ends_it(since: str, reader: Street, runtime: Runtime, clock: FixedClock) -> None:
    ask(runtime)
    first = newest(runtime)
    if since == "a day":
        clock.forward(timedelta(days=1, seconds=1))
    elif since == "another one":
        ask(runtime, "jane@third.example.com")
    elif since == "left":
        reader.leave()
    else:
        with runtime.database.transaction() as session:
            journey.erase(session, runtime, session.get_one(Subscriber, reader.person().id), NOON)
    with pytest.raises(LinkOver):
        press(runtime, first)


@pytest.mark.parametrize("since", ["left", "bounced", "refused"])
def test_a_link_from_before_brings_nobody_back(since: str, reader: Street, runtime: Runtime) -> None:
    reader.sign_up(NEW, guide=None, newsletter=True)
    reader.press_newest(NEW)
    ask(runtime)
    with runtime.database.transaction() as session:
        there = session.get_one(Subscriber, reader.person(NEW).id)
        if since == "left":
            journey.unsubscribe(session, there, NOON, goodbye=False)
        elif since == "bounced":
            suppress(session, there, Status.BOUNCED, NOON)
        else:
            hashed = address_hash(runtime.secrets[0], there.address.mailbox)
            journey.refuse(session, runtime, there.id, hashed, THERE, NOON)
    stood = reader.person(NEW).status
    with pytest.raises(LinkOver):
        press(runtime)
    assert (reader.person(NEW).status, reader.person().status) == (stood, Status.CONFIRMED)


def test_the_mail_to_the_new_one_can_be_refused_for_ever(
    reader: Street, runtime: Runtime, sent: SentList, trigger: InlineTrigger
) -> None:
    ask(runtime)
    _to(sent, trigger)
    (mail,) = [one.data for one in sent.envelopes if one.recipient == NEW]
    assert b"/not-me/" in mail and b"/view/" not in mail
    assert all(b"/not-me/" not in one.data for one in sent.envelopes if one.recipient == JANE)


@pytest.mark.parametrize("who", ["reader", "refused", "nobody"])
def test_what_is_handed_over_tells_nothing_of_who_is_there(who: str, reader: Street, runtime: Runtime) -> None:
    if who == "reader":
        reader.sign_up(NEW)
        reader.press_newest(NEW)
    elif who == "refused":
        with runtime.database.transaction() as session:
            hashed = address_hash(runtime.secrets[0], read_address(NEW).key)
            Suppression.add(session, hashed, SuppressionReason.REFUSED, NOON)
    ask(runtime)
    with runtime.database.reading() as session:
        jane = session.get_one(Subscriber, reader.person().id)
        (change,) = data_export.of(session, jane)["address changes"]
    assert change == {
        "id": 1, "subscriber_id": jane.id, "asked_at": NOON.isoformat(), "words": PRESS.words, "done_at": None,
        "ended_at": None, "earlier": None,
    }  # fmt: skip


@pytest.mark.parametrize("who", ["reader", "left", "bounced", "complained", "refused", "pending", "nobody"])
def test_whoever_asks_learns_nothing_of_who_is_there(
    who: str, reader: Street, runtime: Runtime, sent: SentList, trigger: InlineTrigger
) -> None:
    if who not in ("nobody", "refused"):
        reader.sign_up(NEW, guide=None, newsletter=True)
    if who not in ("nobody", "refused", "pending"):
        reader.press_newest(NEW)
    if who == "left":
        reader.leave(NEW)
    elif who == "bounced":
        reader.bounce(NEW)
    elif who == "complained":
        with runtime.database.transaction() as session:
            session.get_one(Subscriber, reader.person(NEW).id).stop_mail(Status.COMPLAINED, NOON)
    elif who == "refused":
        with runtime.database.transaction() as session:
            hashed = address_hash(runtime.secrets[0], read_address(NEW).key)
            Suppression.add(session, hashed, SuppressionReason.REFUSED, NOON)
    trigger.wake()
    assert ask(runtime), "the same answer"
    written = who in ("reader", "left", "pending", "nobody")
    assert sorted(_to(sent, trigger)) == ([JANE, NEW] if written else [JANE])
    with runtime.database.reading() as session:
        known = session.scalars(select(Subscriber.email)).all()
    assert (NEW in known) is (who != "refused"), "nothing is kept of an address that must not be written to"
    if not written:
        with pytest.raises(LinkOver):
            press(runtime)


def test_who_reads_there_already_keeps_that_and_gets_the_rest(reader: Street, runtime: Runtime) -> None:
    reader.sign_up(NEW, guide=None, newsletter=True, topics=TopicChoice.of({2}))
    reader.press_newest(NEW)
    there = reader.person(NEW).id
    with runtime.database.transaction() as session:
        clicks.object_to(session, reader.person().id, NOON)
    ask(runtime)
    assert reader.topics(NEW) == TopicChoice.of({2}), "before the press nothing"
    assert press(runtime) == there
    assert reader.topics(NEW) == TopicChoice.of({1, 2})
    with runtime.database.reading() as session:
        assert clicks.objects(session, there), "a wish goes along"
    assert (reader.person().status, reader.topics()) == (Status.UNSUBSCRIBED, None)
    assert reader.statuses() == [(FIFTY, EnrollmentStatus.STOPPED), (FIFTY, EnrollmentStatus.ACTIVE)]


def test_who_had_left_there_comes_back_by_their_own_press(reader: Street, runtime: Runtime) -> None:
    reader.sign_up(NEW, guide=None, newsletter=True)
    reader.press_newest(NEW)
    reader.leave(NEW)
    ask(runtime)
    assert reader.person(NEW).status is Status.UNSUBSCRIBED
    press(runtime)
    assert (reader.person(NEW).status, reader.topics(NEW)) == (Status.CONFIRMED, TopicChoice.of({1}))


def test_nobodys_inbox_is_filled_by_it(
    reader: Street, runtime: Runtime, sent: SentList, trigger: InlineTrigger, clock: FixedClock
) -> None:
    sent.envelopes.clear()
    for number in range(9):
        ask(runtime, NEW if number % 2 else "jane+x@new.example.com")
        trigger.wake()
        clock.forward(timedelta(minutes=2))
    there = [one.recipient for one in sent.envelopes if one.recipient != JANE]
    assert len(there) == 3 and len(sent.envelopes) == 6, "three a day to either"
    for _ in range(5):
        clock.forward(timedelta(days=1))
        for _ in range(2):
            ask(runtime)
            trigger.wake()
    there = [one.recipient for one in sent.envelopes if one.recipient != JANE]
    assert len(there) == 6, "six a month to a mailbox that has proven nothing"


def test_their_own_address_is_no_other_one(reader: Street, runtime: Runtime) -> None:
    assert not ask(runtime, JANE.upper())
    reader.leave()
    assert not ask(runtime)
    with runtime.database.reading() as session:
        assert session.scalars(select(AddressChange.id)).all() == []


def _sent_to(runtime: Runtime, key: str) -> int:
    with runtime.database.transaction() as session:
        one = session.scalars(select(Subscriber).where(Subscriber.status == Status.CONFIRMED)).one()
        message = Message(subscriber_id=one.id, stream=Stream.STEP, idempotency_key=key, lane=Lane.BULK,
                          state=State.SENT, created_at=runtime.clock.now(), settled_at=runtime.clock.now())  # fmt: skip
        session.add(message)
        session.flush()
        return message.id


@pytest.mark.parametrize(("when", "stands"), [("before", Status.CONFIRMED), ("after", Status.BOUNCED)])
def test_a_bounce_of_the_earlier_address_is_said_of_that_one(
    when: str, stands: Status, reader: Street, runtime: Runtime, clock: FixedClock
) -> None:
    before = _sent_to(runtime, "before")
    clock.forward(timedelta(hours=1))
    ask(runtime)
    press(runtime)
    clock.forward(timedelta(hours=1))
    message = before if when == "before" else _sent_to(runtime, "after")
    failure = Failure(address="", original="", bounce=BounceClass.HARD_BOUNCE, code=550, status="5.1.1", words="gone")
    with runtime.database.transaction() as session:
        bounced(session, message, [failure], clock.now())
    assert reader.person(NEW).status is stands
