"""The later chapters of the visitor's story: choosing what comes, and being forgotten."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import func, select

from newsletter import journey
from newsletter.clock import FixedClock
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.subscribers import (
    Consent,
    Stream,
    Subscriber,
)
from tests.journey.acts import JANE, confirm, consents, jane, sign_up

People = Callable[..., int]


def _streams(runtime: Runtime) -> list[Stream]:
    with runtime.database.reading() as session:
        return list(session.scalars(select(Message.stream).order_by(Message.id)))


def _leave(runtime: Runtime, goodbye: bool = True) -> bool:
    with runtime.database.transaction() as session:
        jane = session.scalars(select(Subscriber).where(Subscriber.email_key == JANE)).one()
        return journey.unsubscribe(session, jane, runtime.clock.now(), goodbye)


def _choose(runtime: Runtime, newsletter: bool, first_name: str = "") -> None:
    with runtime.database.transaction() as session:
        jane = session.scalars(select(Subscriber).where(Subscriber.email_key == JANE)).one()
        journey.choose(session, jane, newsletter, first_name, "Yes, please.", runtime.clock.now())


def test_choosing_the_newsletter_is_a_consent_of_its_own(runtime: Runtime, person: People) -> None:
    person(JANE, newsletter=False)
    _choose(runtime, newsletter=True, first_name="Janet")
    _choose(runtime, newsletter=True)
    assert (jane(runtime).newsletter, jane(runtime).first_name) == (True, "Janet")
    (consent,) = consents(runtime)
    assert (consent.form, consent.wording.words, consent.newsletter) == ("preferences", "Yes, please.", True)


def test_who_has_left_cannot_tick_the_newsletter_back_on(runtime: Runtime, person: People) -> None:
    person(JANE)
    _leave(runtime, goodbye=False)
    _choose(runtime, newsletter=True)
    assert (jane(runtime).newsletter, consents(runtime)) == (False, [])


def _forget(runtime: Runtime) -> tuple[int, int]:
    with runtime.database.transaction() as session:
        return journey.remind_and_forget(session, runtime, runtime.clock.now())


def test_one_reminder_after_three_days_and_deletion_after_thirty(runtime: Runtime, clock: FixedClock) -> None:
    sign_up(runtime)
    assert _forget(runtime) == (0, 0)
    clock.forward(timedelta(days=3))
    assert [_forget(runtime), _forget(runtime)] == [(1, 0), (0, 0)]
    assert _streams(runtime) == [Stream.CONFIRM, Stream.REMINDER]
    clock.forward(timedelta(days=27))
    assert _forget(runtime) == (0, 1)
    with runtime.database.reading() as session:
        assert [session.scalar(select(func.count(table.id))) for table in (Subscriber, Consent, Message)] == [0, 0, 0]


def test_a_reminder_says_how_long_its_link_really_works(runtime: Runtime, clock: FixedClock) -> None:
    sign_up(runtime)
    gone = clock.now() + timedelta(days=30)
    clock.forward(timedelta(days=3))
    _forget(runtime)
    with runtime.database.reading() as session:
        context = session.scalars(select(Message.context).where(Message.stream == Stream.REMINDER)).one()
    assert context is not None
    assert (context["days"], context["until"]) == (27, int(gone.timestamp()))


def test_who_confirmed_is_neither_reminded_nor_deleted(runtime: Runtime, clock: FixedClock) -> None:
    sign_up(runtime)
    confirm(runtime)
    clock.forward(timedelta(days=60))
    assert _forget(runtime) == (0, 0)


def test_who_asked_again_lately_is_kept(runtime: Runtime, clock: FixedClock) -> None:
    sign_up(runtime)
    clock.forward(timedelta(days=29))
    sign_up(runtime)
    clock.forward(timedelta(days=2))
    assert _forget(runtime)[1] == 0


def test_a_yes_after_the_deletion_finds_nothing(runtime: Runtime, clock: FixedClock) -> None:
    sign_up(runtime)
    (consent,) = consents(runtime)
    clock.forward(timedelta(days=31))
    _forget(runtime)
    with runtime.database.transaction() as session:
        assert journey.open_link(session, consent.id, clock.now()) is None
