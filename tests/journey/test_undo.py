"""Behind leaving: one press takes a slip back within a day, another says why."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import journey
from newsletter.events import By, Event, EventKind, Press, WhyLeft
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.sequences import EnrollmentStatus
from newsletter.subscribers import (
    Consent,
    Status,
    Stream,
    Subscriber,
    Suppression,
    SuppressionReason,
    TopicChoice,
    address_hash,
)
from tests.conftest import NOON, FixedClock, InlineTrigger
from tests.journey.conftest import FIFTY, JANE, PAIN, Street

UNDO = Press(By.MAIL, "It was a slip: undo.", "/unsubscribe/undo")


def _left(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return (
            session.scalars(select(Event.id).where(Event.kind == EventKind.LEFT).order_by(Event.id.desc())).first() or 0
        )


def _undo(runtime: Runtime, left: int) -> bool:
    with runtime.database.transaction() as session:
        jane = session.scalars(select(Subscriber).where(Subscriber.email == JANE)).one()
        return journey.undo_leaving(session, runtime, jane, left, UNDO, runtime.clock.now())


@pytest.fixture
def reader(street: Street) -> Street:
    """Jane, with a topic of the newsletter, one series under way and one behind it."""
    street.sign_up(newsletter=True, topics=TopicChoice.of({1}))
    street.press_newest()
    street.request(PAIN, series=True)
    return street


def test_they_get_what_they_got(reader: Street, runtime: Runtime, trigger: InlineTrigger) -> None:
    reader.send_articles(3, trigger.wake)
    reader.leave()
    assert (reader.person().status, reader.topics()) == (Status.UNSUBSCRIBED, None)
    assert _undo(runtime, _left(runtime))
    assert (reader.person().status, reader.person().left_at) == (Status.CONFIRMED, None)
    assert reader.topics() == TopicChoice.of({1})
    assert reader.statuses()[2:] == [(FIFTY, EnrollmentStatus.ACTIVE), (PAIN, EnrollmentStatus.WAITING)]
    assert EventKind.SERIES_RESUMED in reader.events(), "they go on where they were"
    before = reader.mails().count(Stream.STEP)
    reader.send_articles(6, trigger.wake)
    assert reader.mails().count(Stream.STEP) == before + 1
    with runtime.database.reading() as session:
        consent = session.scalars(select(Consent).order_by(Consent.id.desc())).first()
        assert consent is not None
        assert (consent.wording.words, consent.newsletter, consent.every_topic) == (UNDO.words, True, False)


def test_what_was_off_before_stays_off(street: Street, runtime: Runtime) -> None:
    street.sign_up()
    street.press_newest()
    street.stop()
    street.leave()
    assert _undo(runtime, _left(runtime))
    assert street.topics() is None
    assert street.statuses() == [(FIFTY, EnrollmentStatus.STOPPED)], "stopped by their own press, not by leaving"


@pytest.mark.parametrize(("days", "rests"), [(0, True), (29, True), (31, False)])
def test_who_had_paused_rests_again(
    days: int, rests: bool, reader: Street, runtime: Runtime, clock: FixedClock
) -> None:
    with runtime.database.transaction() as session:
        journey.pause(session, session.get_one(Subscriber, reader.person().id), UNDO, NOON)
    until = reader.person().paused_until
    clock.forward(timedelta(days=days))
    with runtime.database.transaction() as session:
        journey.end_pauses(session, clock.now())
    reader.leave()
    assert _undo(runtime, _left(runtime))
    assert reader.person().paused_until == (until if rests else None)


def test_who_had_gone_on_before_does_not_rest(reader: Street, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        jane = session.get_one(Subscriber, reader.person().id)
        assert journey.pause(session, jane, UNDO, NOON) and journey.end_pause(session, jane, UNDO, NOON)
    reader.leave()
    assert _undo(runtime, _left(runtime))
    assert reader.person().paused_until is None


def test_pressed_twice_is_as_good_as_once(reader: Street, runtime: Runtime) -> None:
    reader.leave()
    left = _left(runtime)
    assert [_undo(runtime, left) for _ in range(2)] == [True, False]


@pytest.mark.parametrize("since", ["a day and a second", "a bounce", "another leaving", "refused", "no such event"])
def test_it_is_too_late_when_something_was_said_since(
    since: str, reader: Street, runtime: Runtime, clock: FixedClock
) -> None:
    reader.leave()
    left = _left(runtime)
    if since == "a day and a second":
        clock.forward(timedelta(days=1, seconds=1))
    elif since == "a bounce":
        reader.bounce()
    elif since == "another leaving":
        _undo(runtime, left)
        reader.leave()
    elif since == "refused":
        with runtime.database.transaction() as session:
            hashed = address_hash(runtime.secrets[0], JANE)
            Suppression.add(session, hashed, SuppressionReason.REFUSED, NOON)
            journey.refuse(session, runtime, reader.person().id, hashed, UNDO, NOON)
    else:
        left += 7
    stood = reader.person().status
    assert not _undo(runtime, left)
    assert reader.person().status is stood


def test_who_never_confirmed_confirms_by_no_undo(street: Street, runtime: Runtime) -> None:
    street.sign_up()
    street.leave()
    assert not _undo(runtime, _left(runtime))


def test_a_goodbye_that_waits_is_called_off(reader: Street, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        journey.unsubscribe(session, session.get_one(Subscriber, reader.person().id), NOON, goodbye=True)
    assert _undo(runtime, _left(runtime))
    assert Stream.GOODBYE not in reader.mails()


def test_why_is_counted_by_the_last_word_of_each(reader: Street, runtime: Runtime) -> None:
    def say(why: WhyLeft) -> bool:
        with runtime.database.transaction() as session:
            jane = session.get_one(Subscriber, reader.person().id)
            return journey.say_why(session, jane, why, Press(By.MAIL, str(why)), NOON)

    assert not say(WhyLeft.OTHER), "who has not left has nothing to explain"
    reader.leave()
    left = _left(runtime)
    assert say(WhyLeft.OTHER) and say(WhyLeft.TOO_MANY)
    with runtime.database.reading() as session:
        assert journey.why_left(session, NOON - timedelta(days=90)) == {WhyLeft.TOO_MANY: 1}
        assert journey.why_left(session, NOON + timedelta(seconds=1)) == {}
    assert _undo(runtime, left), "to say why is no change of mind"


def test_erasing_takes_it_along(reader: Street, runtime: Runtime) -> None:
    reader.leave()
    with runtime.database.transaction() as session:
        jane = session.get_one(Subscriber, reader.person().id)
        journey.say_why(session, jane, WhyLeft.OTHER, Press(By.MAIL), NOON)
        session.flush()
        journey.erase(session, runtime, jane, NOON)
        assert journey.why_left(session, NOON) == {}
        assert session.scalars(select(Message.id)).all() == []
