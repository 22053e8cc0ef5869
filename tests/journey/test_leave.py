"""Refusing for ever, what the owner takes back, and reminders that reach everybody."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsletter import journey
from newsletter.clock import FixedClock
from newsletter.events import By, Event, EventKind, Press
from newsletter.mail.ledger import Message, State
from newsletter.mail.sentences import explained
from newsletter.runtime import Runtime
from newsletter.subscribers import (
    Consent,
    Status,
    Stream,
    Subscriber,
    Suppression,
    SuppressionReason,
    address_hash,
    read_address,
    register,
)
from newsletter.wordings import wording_id
from tests.journey.conftest import FIFTY, JANE, PAIN, Street

People = Callable[..., int]
NOT_ME = Press(By.MAIL, "Never write to me because of a form.", "/not-me")


def _refuse(street: Street, email: str) -> None:
    runtime = street.runtime
    hashed = address_hash(runtime.secrets[0], read_address(email).mailbox)
    id = street.person(email).id
    with runtime.database.transaction() as session:
        journey.refuse(session, runtime, id, hashed, NOT_ME, runtime.clock.now())


def _lift(street: Street, reason: str = "Spoke to her.") -> bool:
    runtime = street.runtime
    with runtime.database.transaction() as session:
        jane = session.get_one(Subscriber, street.person().id)
        return journey.lift(session, runtime, jane, reason, runtime.clock.now())


def test_never_again_deletes_the_sign_up_and_holds_for_every_spelling(street: Street, clock: FixedClock) -> None:
    street.sign_up("jane.doe+x@gmail.com")
    _refuse(street, "jane.doe+x@gmail.com")
    clock.forward(timedelta(days=40))
    for email in ("jane.doe+x@gmail.com", "janedoe@googlemail.com", "JANEDOE+y@gmail.com"):
        street.sign_up(email)
    with street.runtime.database.reading() as session:
        assert session.scalar(select(func.count(Subscriber.id))) == 0
        assert session.scalar(select(func.count(Message.id))) == 0
        assert set(session.scalars(select(Suppression.reason))) == {SuppressionReason.REFUSED}


def test_never_again_leaves_a_reader_what_they_confirmed_themselves(street: Street) -> None:
    street.sign_up(newsletter=True)
    street.press_newest()
    street.sign_up(guide=PAIN)
    offered = street.consents()[-1]
    _refuse(street, JANE)
    assert (street.person().status, street.person().newsletter) == (Status.CONFIRMED, True)
    assert street.press(offered.id) is None, "the sign-up is deleted"
    assert [one.guide for one in street.consents()] == [FIFTY], "what she agreed to herself is not"
    before = len(street.mails())
    street.sign_up(guide=PAIN)
    assert len(street.mails()) == before
    assert street.events()[-1] is EventKind.REFUSED


@pytest.mark.parametrize("how", ["left", "bounced"])
def test_never_again_deletes_what_was_typed_of_who_is_gone_as_well(how: str, street: Street, clock: FixedClock) -> None:
    street.sign_up()
    street.press_newest()
    street.leave() if how == "left" else street.bounce()
    clock.forward(timedelta(days=8))
    street.sign_up(guide=PAIN, name="Stranger")
    asked = street.consents()[-1]
    assert asked.first_name == "Stranger"
    _refuse(street, JANE)
    assert [one.first_name for one in street.consents()] == [""]
    assert street.press(asked.id) is None
    assert street.person().status is (Status.UNSUBSCRIBED if how == "left" else Status.BOUNCED)


def test_never_again_for_a_number_that_is_somebody_elses_by_now_touches_nobody(street: Street, person: People) -> None:
    id = person("bob@example.com")
    runtime = street.runtime
    with runtime.database.transaction() as session:
        hashed = address_hash(runtime.secrets[0], read_address(JANE).mailbox)
        journey.refuse(session, runtime, id, hashed, NOT_ME, runtime.clock.now())
    assert street.events() == []
    street.sign_up()
    assert street.consents() == [], "the mailbox that refused gets nothing all the same"


@pytest.mark.parametrize("stood", ["reader", "confirmed", "left", "pending"])
def test_a_lifted_bounce_leaves_them_where_they_stood(stood: str, street: Street, clock: FixedClock) -> None:
    street.sign_up(newsletter=stood == "reader")
    if stood != "pending":
        street.press_newest()
    if stood == "left":
        street.leave()
    before = street.person()
    clock.forward(timedelta(days=1))
    street.bounce()
    assert _lift(street)
    after = street.person()
    assert (after.status, after.newsletter) == (before.status, before.newsletter)
    assert street.events()[-1] is EventKind.LIFTED
    with street.runtime.database.reading() as session:
        assert (lifted := session.scalars(select(Event).order_by(Event.id.desc())).first())
        assert (lifted.reason, lifted.words, lifted.wording_id) == ("Spoke to her.", "Spoke to her.", None)


@pytest.mark.parametrize("how", ["button", "one click", "owner", "newsletter off"])
def test_what_they_took_back_while_it_bounced_holds_when_it_is_lifted(
    how: str, street: Street, clock: FixedClock
) -> None:
    street.sign_up(newsletter=True)
    street.press_newest()
    clock.forward(timedelta(days=1))
    street.bounce()
    before = street.events()
    for _ in range(2):  # a second press is not a second leaving
        with street.runtime.database.transaction() as session:
            jane = session.get_one(Subscriber, street.person().id)
            if how == "newsletter off":
                journey.choose(session, jane, False, "", "No newsletter.", clock.now())
            else:
                journey.unsubscribe(session, jane, clock.now(), goodbye=how == "button")
    assert street.person().status is Status.BOUNCED, "the address is as dead as it was"
    assert Stream.GOODBYE not in street.mails()
    assert street.events()[len(before)] is (EventKind.NEWSLETTER_OFF if how == "newsletter off" else EventKind.LEFT)
    assert how == "newsletter off" or len(street.events()) == len(before) + 1
    assert _lift(street)
    stands = Status.CONFIRMED if how == "newsletter off" else Status.UNSUBSCRIBED
    assert (street.person().status, street.person().newsletter) == (stands, False)


def test_a_lifted_complaint_starts_nothing(street: Street, clock: FixedClock) -> None:
    street.sign_up(newsletter=True)
    street.press_newest()
    with street.runtime.database.transaction() as session:
        session.get_one(Subscriber, street.person().id).stop_mail(Status.COMPLAINED, clock.now())
    clock.forward(timedelta(days=1))
    street.sign_up()
    assert street.mails()[-1] is not Stream.CONFIRM, "a complaint only the owner lifts"
    assert _lift(street)
    assert (street.person().status, street.person().newsletter) == (Status.UNSUBSCRIBED, False)
    street.sign_up()
    assert street.mails()[-1] is Stream.CONFIRM


def test_there_is_nothing_to_lift_of_who_may_be_written_to(street: Street, person: People) -> None:
    person(JANE)
    assert not _lift(street)


def _forget(runtime: Runtime) -> tuple[int, int]:
    with runtime.database.transaction() as session:
        return journey.remind_and_forget(session, runtime, runtime.clock.now(), limit=5)


def test_those_who_cannot_be_reminded_do_not_stand_in_front_for_ever(
    street: Street, runtime: Runtime, clock: FixedClock
) -> None:
    with runtime.database.transaction() as session:
        for number in range(12):  # suppressed ones, and sign-ups of which nothing is left to confirm
            email = read_address(f"p{number}@example.com")
            person = register(session, email, clock.now())
            over = None if number % 2 else clock.now()
            session.add(Consent(subscriber_id=person.id, wording_id=wording_id(session, ""),
                                given_at=clock.now(), ended_at=over))  # fmt: skip
            if number % 2:
                hashed = address_hash(runtime.secrets[0], email.key)
                session.add(Suppression(address_hash=hashed, reason=SuppressionReason.OWNER, created_at=clock.now()))
    street.sign_up()
    clock.forward(timedelta(days=4))
    assert [_forget(runtime)[0] for _ in range(3)] == [0, 1, 0]
    assert street.mails() == [Stream.CONFIRM, Stream.REMINDER]
    with runtime.database.reading() as session:
        told = session.scalars(select(Message.reason).where(Message.state == State.CANCELLED)).all()
    assert len(told) == 6 and all(explained(reason).startswith("Not sent: ") for reason in told)


def test_a_reminder_counts_for_the_mailbox_and_keeps_to_its_limit(street: Street, clock: FixedClock) -> None:
    street.sign_up("jane+0@example.com", FIFTY)
    clock.forward(timedelta(days=3))
    for number in range(1, 4):
        street.sign_up(f"jane+{number}@example.com")
    assert _forget(street.runtime) == (0, 0)
    assert street.mails("jane+0@example.com") == [Stream.CONFIRM]
