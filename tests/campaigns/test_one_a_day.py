"""One mail a day: whoever gets another one on the day of a campaign is left out of it; nobody is left with neither."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from newsletter import brand, campaigns
from newsletter.campaigns import Campaign, same_day, together
from newsletter.mail import ledger
from newsletter.mail.ledger import Message, State
from newsletter.runtime import Runtime
from newsletter.subscribers import Stream, Subscriber
from tests.campaigns.test_left_out import BY_HAND, filled, house, made, names
from tests.conftest import NOON

__all__ = ["house"]
LONDON = "Europe/London"
EVENING, TOMORROW = NOON + timedelta(hours=5), NOON + timedelta(days=1)


def set_for(runtime: Runtime, id: int, at: datetime, one_a_day: bool = False) -> int:
    """Schedule it."""
    with runtime.database.transaction() as session:
        together.schedule(session, session.get_one(Campaign, id), at, brand.current(session), one_a_day)
    return id


def turn(runtime: Runtime, at: datetime = NOON) -> None:
    """Launch what is due at this time and write its recipients."""
    with runtime.database.transaction() as session:
        campaigns.launch_due(session, at)
    filled(runtime)


def test_it_leaves_out_whoever_gets_another_one_later_that_day(house: Runtime) -> None:
    first = set_for(house, made(house), NOON, one_a_day=True)
    other = set_for(house, made(house, "Asked"), EVENING)
    turn(house)
    assert names(house, first) == ["jane", "joe"], "though the other was scheduled after it"
    turn(house, EVENING)
    assert names(house, other) == ["ann", "bob"]


def test_one_of_another_day_takes_nobody_away(house: Runtime) -> None:
    first = set_for(house, made(house), NOON, one_a_day=True)
    set_for(house, made(house, "Asked"), TOMORROW)
    turn(house)
    assert names(house, first) == ["ann", "bob", "jane", "joe"]


def test_one_that_was_called_off_takes_nobody_away(house: Runtime) -> None:
    other = set_for(house, made(house, "Asked"), EVENING)
    first = set_for(house, made(house), NOON, one_a_day=True)
    with house.database.transaction() as session:
        assert session.get_one(Campaign, first).audience(NOON).size(session) == 2
        together.unschedule(session, session.get_one(Campaign, other))
        assert session.get_one(Campaign, first).audience(NOON).size(session) == 4
    turn(house)
    assert names(house, first) == ["ann", "bob", "jane", "joe"]


@pytest.mark.parametrize("second_at", [NOON, EVENING])
def test_of_two_that_both_leave_out_the_first_keeps_them(house: Runtime, second_at: datetime) -> None:
    """Also where both are due in one beat."""
    first = set_for(house, made(house), NOON, one_a_day=True)
    second = set_for(house, made(house), second_at, one_a_day=True)
    turn(house)
    turn(house, second_at)
    assert names(house, first) == ["ann", "bob", "jane", "joe"]
    assert names(house, second) == []


def test_three_that_all_leave_out_give_everybody_one(house: Runtime) -> None:
    ids = [
        set_for(house, made(house, "Asked", "B"), NOON, one_a_day=True),
        set_for(house, made(house, "Asked"), NOON + timedelta(hours=1), one_a_day=True),
        set_for(house, made(house), EVENING, one_a_day=True),
    ]
    for at in (NOON, NOON + timedelta(hours=1), EVENING):
        turn(house, at)
    assert [names(house, id) for id in ids] == [["ann"], ["bob"], ["jane", "joe"]]


@pytest.mark.parametrize(
    ("state", "settled", "gets"),
    [(State.SENT, NOON - timedelta(hours=3), False), (State.UNCERTAIN, NOON - timedelta(hours=3), False),
     (State.READY, None, False), (State.SENT, NOON - timedelta(days=1), True), (State.FAILED, NOON, True)],
)  # fmt: skip
def test_a_mail_of_a_series_that_day_counts(house: Runtime, state: State, settled: datetime | None, gets: bool) -> None:
    with house.database.transaction() as session:
        ann = session.scalars(select(Subscriber).where(Subscriber.email == "ann@example.com")).one()
        ledger.queue(session, ann, Stream.STEP, "step:1:1", NOON)
        session.execute(update(Message).values(state=state, settled_at=settled))
    first = set_for(house, made(house), NOON, one_a_day=True)
    turn(house)
    assert ("ann" in names(house, first)) is gets


def test_the_halves_of_one_test_do_not_take_readers_from_each_other(house: Runtime) -> None:
    id = set_for(house, made(house, wish=BY_HAND), NOON, one_a_day=True)
    with house.database.reading() as session:
        a = session.get_one(Campaign, id)
        test = campaigns.ab_test_of(session, a)
        assert test is not None and test.b.one_a_day
        tested = sum(one.audience(NOON).size(session) for one in test.both)
    turn(house)
    assert len(names(house)) == tested > 0


def test_at_everyones_own_time_it_is_the_day_of_that(house: Runtime) -> None:
    set_for(house, made(house, "Asked"), EVENING)
    id, now = made(house), house.clock.now()
    with house.database.transaction() as session:
        one = session.get_one(Campaign, id)
        wall = datetime.combine(NOON.date(), (NOON - timedelta(hours=4)).time())
        campaigns.schedule_own_time(session, one, wall, brand.current(session), now, now, one_a_day=True)
        assert campaigns.plan_own_time(session, one, wall, now).leavings[0].people == 2
    turn(house)
    assert names(house, id) == ["jane", "joe"]


def test_how_many_get_two_is_counted_up_to_a_bound(house: Runtime, person: Callable[..., int]) -> None:
    other = set_for(house, made(house, "B"), EVENING)
    id = made(house)
    with house.database.reading() as session:
        seen = same_day(session, session.get_one(Campaign, id), NOON, None, NOON, LONDON)
        assert [one.id for one in seen.others] == [other]
        assert seen.audience.two_mails_soon(session, 500) == 3
        assert seen.audience.two_mails_soon(session, 2) == 2
        assert seen.audience.size(session) == 1
        seen = same_day(session, session.get_one(Campaign, id), TOMORROW, None, NOON, LONDON)
        assert not seen.others and seen.audience.two_mails_soon(session, 500) == 0


def test_who_is_in_it_now_is_told_by_the_segment(house: Runtime) -> None:
    with house.database.reading() as session:
        audience = session.get_one(Campaign, made(house, "B")).audience(NOON)
        assert [one.email.split("@")[0] for one in audience.newest(session, 2)] == ["ann", "joe"]
        assert audience.size_if_kept(session) == 3
