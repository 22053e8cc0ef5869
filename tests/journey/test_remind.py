"""Who has not confirmed for days is asked once more by the owner: once, and only who signed up themselves."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import journey
from newsletter.clock import FixedClock
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.subscribers import (
    Basis,
    Consent,
    Status,
    Stream,
    Subscriber,
    Suppression,
    SuppressionReason,
    address_hash,
    read_address,
)
from tests.journey.acts import JANE, confirm, sign_up

DAYS = timedelta(days=3)


def _ask_all(runtime: Runtime) -> int:
    """The owner's press, for everybody; how many mails go."""
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        every = session.scalars(select(Subscriber)).all()
        return sum([journey.ask_pending_again(session, runtime, one, now) for one in every])


def _counted(runtime: Runtime) -> tuple[int, int]:
    with runtime.database.reading() as session:
        return journey.pending_for_days(session, runtime.clock.now())


def _later(runtime: Runtime, clock: FixedClock, time: timedelta = DAYS) -> None:
    """The reminder that comes by itself goes on its day, and then time passes."""
    clock.forward(DAYS)
    with runtime.database.transaction() as session:
        journey.remind_and_forget(session, runtime, clock.now())
    clock.forward(time)


def test_who_has_not_confirmed_is_asked_again_once_and_only_who_signed_up_themselves(
    runtime: Runtime, clock: FixedClock, person: Callable[..., int]
) -> None:
    sign_up(runtime)
    person("imported@example.com", confirmed=False)
    person("reader@example.com")
    _later(runtime, clock)
    assert _counted(runtime) == (2, 1)
    assert [_ask_all(runtime), _ask_all(runtime)] == [1, 0]
    clock.forward(DAYS * 2)
    assert _counted(runtime) == (2, 0) and _ask_all(runtime) == 0
    with runtime.database.reading() as session:
        look = select(Message.stream).join(Subscriber, Subscriber.id == Message.subscriber_id)
        mails = session.scalars(look.where(Subscriber.email == JANE).order_by(Message.id)).all()
        assert mails == [Stream.CONFIRM, Stream.REMINDER, Stream.CONFIRM]
        assert len(session.scalars(select(Message.id)).all()) == 3, "nobody else was asked"
        assert session.scalars(select(Subscriber.status).where(Subscriber.email == JANE)).one() is Status.PENDING


def test_nobody_is_asked_within_three_days_of_another_question(runtime: Runtime, clock: FixedClock) -> None:
    sign_up(runtime)
    clock.forward(DAYS - timedelta(minutes=1))
    assert _counted(runtime) == (0, 0)
    clock.forward(timedelta(minutes=2))
    assert _counted(runtime) == (1, 1)
    with runtime.database.transaction() as session:
        journey.remind_and_forget(session, runtime, clock.now())
    assert _counted(runtime) == (1, 0) and _ask_all(runtime) == 0


def test_who_was_asked_again_alone_is_not_asked_with_the_others(runtime: Runtime, clock: FixedClock) -> None:
    sign_up(runtime)
    with runtime.database.transaction() as session:
        jane = session.scalars(select(Subscriber)).one()
        assert journey.ask_again(session, runtime, jane, clock.now()) is None
    _later(runtime, clock)
    assert _counted(runtime) == (1, 0) and _ask_all(runtime) == 0


@pytest.mark.parametrize("reason", [SuppressionReason.COMPLAINED, SuppressionReason.BOUNCED])
def test_a_blocked_address_is_counted_and_gets_nothing(
    runtime: Runtime, clock: FixedClock, reason: SuppressionReason
) -> None:
    sign_up(runtime)
    _later(runtime, clock)
    with runtime.database.transaction() as session:
        hashed = address_hash(runtime.secrets[0], read_address(JANE).key)
        Suppression.add(session, hashed, reason, clock.now())
    assert _ask_all(runtime) == 0


def test_who_has_confirmed_or_whose_link_is_over_is_not_asked(runtime: Runtime, clock: FixedClock) -> None:
    sign_up(runtime)
    sign_up(runtime, "joe@example.com")
    _later(runtime, clock)
    confirm(runtime, 0)
    assert _counted(runtime) == (1, 1)
    clock.forward(timedelta(days=25))
    assert _counted(runtime) == (0, 0) and _ask_all(runtime) == 0


def test_a_line_of_an_imported_list_is_no_sign_up(runtime: Runtime, clock: FixedClock) -> None:
    sign_up(runtime)
    with runtime.database.transaction() as session:
        session.scalars(select(Consent)).one().basis = Basis.IMPORT
    _later(runtime, clock)
    assert _counted(runtime) == (1, 0) and _ask_all(runtime) == 0
