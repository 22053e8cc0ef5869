"""Pausing everything: nothing bulk goes, the clocks of series stand, and all goes on by itself or by a press."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from newsletter import articles, brand, campaigns, journey, sequences
from newsletter.campaigns import Campaign
from newsletter.events import By, EventKind, Press
from newsletter.journey import PAUSE
from newsletter.mail.ledger import Lane, Message, Reason, State
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, EnrollmentStatus, Standing
from newsletter.smtp import SentList
from newsletter.subscribers import Segment, Status, Stream, Subscriber
from tests.conftest import NOON, FixedClock, InlineTrigger
from tests.journey.conftest import FIFTY, JANE, PAIN, Street

PRESS = Press(By.PAGE, "Pause everything for 30 days.", "/preferences")
ZONE = "Europe/London"


@pytest.fixture
def reader(street: Street, trigger: InlineTrigger, sent: SentList) -> Street:
    """Jane, who takes the newsletter and a series whose first article comes in two days."""
    street.sign_up(newsletter=True)
    street.press_newest()
    trigger.wake()
    sent.envelopes.clear()
    return street


def _act(runtime: Runtime, verb: Callable[..., bool], **more: object) -> bool:
    with runtime.database.transaction() as session:
        jane = session.scalars(select(Subscriber).where(Subscriber.email == JANE)).one()
        return verb(session, jane, PRESS, runtime.clock.now(), **more)


def _tick(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        journey.end_pauses(session, runtime.clock.now())
    more = 1
    while more:
        with runtime.database.transaction() as session:
            more = sequences.advance_due(session, runtime.clock.now(), ZONE)
    while runtime.delivery.run(Lane.BULK):
        pass


def _next(runtime: Runtime) -> tuple[Standing, datetime]:
    with runtime.database.reading() as session:
        one = session.scalars(select(Enrollment).order_by(Enrollment.id)).first()
        assert one is not None
        planned = sequences.what_is_next(session, one, ZONE, runtime.clock.now())
        return sequences.standing(one), planned[0].due_at


def _campaign(runtime: Runtime) -> None:
    now = runtime.clock.now()
    with runtime.database.transaction() as session:
        article = articles.write(session, now, title="Golf", subject="Golf", body="Turn.")
        made = Campaign(article=article, created_at=now)
        session.add(made)
        made.schedule(now, brand.current(session))
        session.flush()
        campaigns.launch_due(session, now)
        while campaigns.fill_next(session, now):
            pass


def test_the_clock_stands_still_and_the_calendar_knows(reader: Street, runtime: Runtime, clock: FixedClock,
                                                       sent: SentList) -> None:  # fmt: skip
    assert _next(runtime) == (Standing.ITS_TIME, NOON + timedelta(days=2))
    clock.forward(timedelta(days=1))
    assert _act(runtime, journey.pause)
    comes = NOON + timedelta(days=2) + PAUSE
    assert _next(runtime) == (Standing.PAUSED, comes)
    for _ in range(29):
        clock.forward(timedelta(days=1))
        _tick(runtime)
        assert _next(runtime) == (Standing.PAUSED, comes)
    assert sent.envelopes == []
    clock.forward(timedelta(days=1))
    _tick(runtime)
    assert _next(runtime) == (Standing.ITS_TIME, comes), "as if no time had passed"
    clock.forward(timedelta(days=1))
    _tick(runtime)
    assert [one.recipient for one in sent.envelopes] == [JANE]
    assert reader.events()[-1] is EventKind.PAUSED, "time is nobody's press"


def test_a_press_ends_it_before(reader: Street, runtime: Runtime, clock: FixedClock) -> None:
    _act(runtime, journey.pause)
    clock.forward(timedelta(days=10))
    assert _act(runtime, journey.end_pause)
    _tick(runtime)
    assert _next(runtime) == (Standing.ITS_TIME, NOON + timedelta(days=12))
    assert reader.events()[-2:] == [EventKind.PAUSED, EventKind.WENT_ON]
    assert not _act(runtime, journey.end_pause), "there is nothing to end"


def test_pausing_twice_makes_it_no_longer(reader: Street, runtime: Runtime, clock: FixedClock) -> None:
    assert _act(runtime, journey.pause)
    clock.forward(timedelta(days=3))
    assert not _act(runtime, journey.pause)
    assert reader.person().paused_until == NOON + PAUSE


def test_what_is_queued_is_called_off_and_the_article_comes_afterwards(
    reader: Street, runtime: Runtime, clock: FixedClock, sent: SentList
) -> None:
    clock.forward(timedelta(days=2))
    with runtime.database.transaction() as session:
        sequences.advance_due(session, clock.now(), ZONE)
    _act(runtime, journey.pause)
    with runtime.database.reading() as session:
        its = session.scalars(select(Message).where(Message.stream == Stream.STEP)).one()
        assert (its.state, its.reason) == (State.CANCELLED, Reason.PAUSED)
    _tick(runtime)
    assert sent.envelopes == []
    clock.forward(PAUSE)
    _tick(runtime)
    assert len(sent.envelopes) == 1


def test_a_campaign_of_these_days_does_not_come(reader: Street, runtime: Runtime, clock: FixedClock,
                                                sent: SentList) -> None:  # fmt: skip
    _campaign(runtime)
    _act(runtime, journey.pause)
    _campaign(runtime)
    _tick(runtime)
    assert sent.envelopes == []
    with runtime.database.reading() as session:
        assert (Segment().size(session), Segment().paused(session)) == (0, 1)
    _act(runtime, journey.end_pause)
    _tick(runtime)
    assert sent.envelopes == [], "nor does it come when they go on"
    _campaign(runtime)
    _tick(runtime)
    assert len(sent.envelopes) == 1


@pytest.mark.parametrize("stream", Stream)
def test_the_rule_in_sql_is_the_rule_in_python(stream: Stream, reader: Street, runtime: Runtime) -> None:
    _act(runtime, journey.pause)
    jane = reader.person()
    assert jane.may_receive(stream) is (jane.takes(stream) and not stream.is_bulk)


def test_what_they_ask_for_still_comes(reader: Street, runtime: Runtime, trigger: InlineTrigger,
                                       sent: SentList) -> None:  # fmt: skip
    _act(runtime, journey.pause)
    assert reader.request(PAIN, series=True)
    trigger.wake()
    assert len(sent.envelopes) == 1, "the guide"
    assert {status for _, status in reader.statuses()} == {EnrollmentStatus.WAITING}, "its series waits too"


def test_one_series_at_a_time_goes_on_afterwards(reader: Street, runtime: Runtime, clock: FixedClock) -> None:
    reader.request(PAIN, series=True)
    _act(runtime, journey.pause)
    clock.forward(PAUSE)
    _tick(runtime)
    assert reader.statuses() == [(FIFTY, EnrollmentStatus.ACTIVE), (PAIN, EnrollmentStatus.WAITING)]


@pytest.mark.parametrize("how", ["leave", "bounce"])
def test_what_ends_everything_ends_a_pause(how: str, reader: Street, runtime: Runtime) -> None:
    _act(runtime, journey.pause)
    getattr(reader, how)()
    assert reader.person().paused_until is None
    assert not _act(runtime, journey.pause)


def test_who_has_paused_is_still_enrolled_after_a_month_of_ticks(
    reader: Street, runtime: Runtime, clock: FixedClock
) -> None:
    _act(runtime, journey.pause)
    clock.forward(timedelta(days=29))
    _tick(runtime)
    assert reader.statuses() == [(FIFTY, EnrollmentStatus.WAITING)]
    assert reader.person().status is Status.CONFIRMED


def test_a_crowd_whose_pause_ends_at_once_is_sent_to_one_after_the_other(
    runtime: Runtime, person: Callable[..., int], clock: FixedClock
) -> None:
    with runtime.database.transaction() as session:
        series = session.scalars(select(sequences.Sequence).order_by(sequences.Sequence.id)).first()
        assert series is not None
    for number in range(30):
        id = person(f"p{number}@example.com")
        with runtime.database.transaction() as session:
            one = session.get_one(Subscriber, id)
            sequences.enroll(session, one, session.get_one(sequences.Sequence, series.id), ZONE, clock.now())
    clock.forward(timedelta(days=2, hours=1))
    with runtime.database.transaction() as session:
        for one in session.scalars(select(Subscriber)):
            journey.pause(session, one, PRESS, clock.now())
    clock.forward(PAUSE)
    with runtime.database.transaction() as session:
        assert journey.end_pauses(session, clock.now()) == 30
    assert _moved(runtime) == [10, 10, 10]


def _moved(runtime: Runtime) -> list[int]:
    """How many begin again in each tick of ten; what waits behind them is spread by the same rule as every crowd."""
    moved = []
    for _ in range(3):
        with runtime.database.transaction() as session:
            moved.append(sequences.advance_due(session, runtime.clock.now(), ZONE, limit=10))
    return moved
