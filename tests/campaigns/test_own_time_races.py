"""At everyone's own time with two beats at once, presses beside them, and workers that are killed: once, and all."""

# ruff: noqa: DTZ001 - a local time as it is typed has no zone

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Barrier

import pytest

from newsletter import campaigns, jobs
from newsletter.campaigns import CampaignState, NotNow
from newsletter.db import holds
from newsletter.mail.ledger import Lane
from newsletter.mail.ledger.opening import open_due
from tests.campaigns.own_time_world import HONOLULU, LONDON, TOKYO, TUESDAY_NINE, World, utc, world

__all__ = ["world"]


A_LEAP = timedelta(hours=9)
"""From one hour of somebody's to another: what lies between is told in `test_own_time`."""


class Killed(BaseException):
    """What a process that is killed does to a transaction: it never commits."""


@pytest.fixture
def abroad(world: World) -> World:
    """Three zones, five people each, and a campaign for Tuesday at nine."""
    for zone in (TOKYO, LONDON, HONOLULU):
        world.add(zone, 5)
    world.schedule()
    return world


def _at_once(*acts: Callable[[], object]) -> None:
    start = Barrier(len(acts))

    def begin(act: Callable[[], object]) -> None:
        start.wait()
        act()

    with ThreadPoolExecutor(len(acts)) as hands:
        for one in [hands.submit(begin, act) for act in acts]:
            one.result()


def _once_each(it: World, people: int = 15) -> None:
    got = Counter(one.recipient for one in it.sent.envelopes)
    assert len(got) == people and max(got.values()) == 1


def _turn(it: World) -> None:
    jobs.launch_campaigns(it.runtime, lambda: False, lambda: None)


def test_two_beats_launch_it_once(abroad: World) -> None:
    abroad.clock.moment = utc(2, 0)
    _at_once(lambda: _turn(abroad), lambda: _turn(abroad))
    abroad.beat()
    assert len(abroad.sent.envelopes) == 5
    abroad.pass_to(utc(2, 19), A_LEAP)
    _once_each(abroad)


def test_two_beats_open_an_hour_once(abroad: World) -> None:
    abroad.clock.moment = utc(2, 0)
    abroad.beat()
    abroad.clock.moment = utc(2, 8)
    _at_once(lambda: _turn(abroad), lambda: _turn(abroad), lambda: abroad.runtime.delivery.run(Lane.BULK))
    abroad.pass_to(utc(2, 19), A_LEAP)
    _once_each(abroad)


def test_cancelled_as_an_hour_comes_nothing_of_it_is_left_behind(abroad: World) -> None:
    abroad.clock.moment = utc(2, 0)
    abroad.beat()
    abroad.clock.moment = utc(2, 8)
    _at_once(lambda: _turn(abroad), lambda: abroad.do(campaigns.together.cancel, abroad.clock.now()))
    abroad.pass_to(utc(2, 20), A_LEAP)
    assert abroad.found().state is CampaignState.CANCELLED
    _once_each(abroad, 5)
    with abroad.runtime.database.reading() as session:
        assert not holds(session, campaigns.is_under_way(abroad.clock.now()))


def test_another_day_at_the_last_second_is_that_day_or_is_refused(abroad: World) -> None:
    abroad.clock.moment = utc(2, 0)
    refused: list[NotNow] = []

    def change() -> None:
        try:
            abroad.schedule(datetime(2026, 6, 3, 9))
        except NotNow as error:
            refused.append(error)

    _at_once(lambda: _turn(abroad), change)
    abroad.beat()
    assert len(abroad.sent.envelopes) == (5 if refused else 0)
    abroad.pass_to(utc(3, 19), A_LEAP)
    _once_each(abroad)


def test_killed_anywhere_on_the_way_it_goes_on_where_it_was(abroad: World) -> None:
    abroad.clock.moment = utc(2, 0)
    _and_die(abroad, campaigns.launch_due)
    with abroad.runtime.database.transaction() as session:
        campaigns.launch_due(session, abroad.clock.now())
    _and_die(abroad, lambda session, now: campaigns.fill_next(session, now, 4))
    with abroad.runtime.database.transaction() as session:
        campaigns.fill_next(session, abroad.clock.now(), 4)
    _and_die(abroad, lambda session, now: campaigns.fill_next(session, now, 4))
    abroad.beat()
    abroad.clock.moment = utc(2, 8)
    _and_die(abroad, open_due)
    abroad.pass_to(utc(2, 19), A_LEAP)
    _once_each(abroad)


def _and_die(it: World, step: Callable[..., object]) -> None:
    with suppress(Killed), it.runtime.database.transaction() as session:
        step(session, it.clock.now())
        raise Killed


def test_whoever_moves_while_recipients_are_written_gets_it_once(abroad: World) -> None:
    abroad.clock.moment = utc(2, 0)
    with abroad.runtime.database.transaction() as session:
        campaigns.launch_due(session, abroad.clock.now())
    turn = {0: HONOLULU, 1: LONDON}
    movers = [lambda id=id: abroad.move(id, turn[id % 2]) for id in (1, 6, 11)]  # type: ignore[misc]
    _at_once(lambda: _turn(abroad), *movers)
    abroad.pass_to(utc(2, 20), A_LEAP)
    _once_each(abroad)
    assert abroad.found().own_time == TUESDAY_NINE
