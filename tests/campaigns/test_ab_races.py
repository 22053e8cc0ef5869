"""Two beats at once, a press beside them, and a worker that is killed: the rest gets what won, once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier

from sqlalchemy import func, select

from newsletter import campaigns, installation, jobs
from newsletter.campaigns import Campaign, CampaignState, Judge, NotNow, Part, Waits
from newsletter.db import holds
from newsletter.installation import LockReason
from newsletter.runtime import Runtime
from tests.campaigns.conftest import Stage, state_of


class Killed(BaseException):
    """What a process that is killed does to a transaction: it never commits."""


def _due(stage: Callable[..., Stage], **wish: object) -> Stage:
    """A test whose time is over, and which B has won."""
    it = stage(**wish)
    it.go()
    it.click(it.test().b_id, 25)
    it.clock.forward(timedelta(hours=4))
    return it


def _and_die(runtime: Runtime, step: Callable[..., object], it: Stage) -> None:
    with suppress(Killed), runtime.database.transaction() as session:
        step(session, it.clock.now())
        raise Killed


def _rests(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return session.scalar(select(func.count()).where(Campaign.part == Part.REST)) or 0


def test_two_beats_decide_and_launch_once(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it, both = _due(stage), Barrier(2)

    def beat() -> None:
        both.wait()
        jobs.launch_campaigns(runtime, lambda: False, lambda: None)

    with ThreadPoolExecutor(2) as beats:
        for one in [beats.submit(beat) for _ in range(2)]:
            one.result()
    it.beat()
    assert _rests(runtime) == 1 and len(it.sent.envelopes) == 200


def test_a_press_beside_the_beat_sends_one_of_the_two(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it, both = _due(stage), Barrier(2)

    def beat() -> None:
        both.wait()
        jobs.launch_campaigns(runtime, lambda: False, lambda: None)

    def press() -> None:
        both.wait()
        with suppress(NotNow):
            it.choose(Part.A)

    with ThreadPoolExecutor(2) as hands:
        for one in [hands.submit(beat), hands.submit(press)]:
            one.result()
    it.beat()
    assert _rests(runtime) == 1 and len(it.sent.envelopes) == 200
    assert max(Counter(one.recipient for one in it.sent.envelopes).values()) == 1


def test_two_presses_at_once_are_one(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it, both = _due(stage, judge=Judge.HAND), Barrier(2)

    def press(part: Part) -> int:
        both.wait()
        return it.choose(part, at=timedelta(seconds=10))

    with ThreadPoolExecutor(2) as hands:
        found = {one.result() for one in [hands.submit(press, part) for part in (Part.A, Part.B)]}
    assert len(found) == 1 and _rests(runtime) == 1
    it.clock.forward(timedelta(seconds=10))
    it.beat()
    assert len(it.sent.envelopes) == 200


def test_stopping_beside_cancelling_waits_for_no_circle(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it, both = stage(), Barrier(2)
    it.schedule()
    with runtime.database.transaction() as session:
        campaigns.launch_due(session, it.clock.now())

    def stop() -> None:
        both.wait()
        with suppress(NotNow), runtime.database.transaction() as session:
            test = campaigns.ab_test_of(session, session.get_one(Campaign, it.a))
            assert test is not None
            campaigns.stop(session, test, it.clock.now())

    def cancel() -> None:
        both.wait()
        with suppress(NotNow), runtime.database.transaction() as session:
            campaigns.together.cancel(session, session.get_one(Campaign, it.a, with_for_update=True), it.clock.now())

    with ThreadPoolExecutor(2) as hands:
        for one in [hands.submit(stop), hands.submit(cancel)]:
            one.result()
    it.beat()
    assert it.test().stopped_at is not None and not it.sent.envelopes


def test_killed_before_it_is_written_down_the_next_beat_decides(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = _due(stage)
    _and_die(runtime, campaigns.tend_ab_tests, it)
    assert _rests(runtime) == 0 and it.test().winner is None
    it.beat()
    assert _rests(runtime) == 1 and len(it.sent.envelopes) == 200


def test_killed_between_deciding_and_launching_the_next_beat_launches(
    stage: Callable[..., Stage], runtime: Runtime
) -> None:
    it = _due(stage)
    with runtime.database.transaction() as session:
        campaigns.tend_ab_tests(session, it.clock.now())
    _and_die(runtime, campaigns.launch_due, it)
    assert state_of(runtime, it.test().rest_id) is CampaignState.SCHEDULED
    it.beat()
    assert _rests(runtime) == 1 and len(it.sent.envelopes) == 200


def test_the_send_lock_holds_what_won_back_too(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = _due(stage)
    before, now = len(it.sent.envelopes), it.clock.now()
    with runtime.database.transaction() as session:
        installation.current(session).lock(LockReason.RESTORED, 10**6, now, now)
    it.beat()
    assert _rests(runtime) == 0 and len(it.sent.envelopes) == before
    with runtime.database.transaction() as session:
        installation.current(session).unlock()
    it.beat()
    assert len(it.sent.envelopes) == 200


def test_beat_sees_that_a_test_is_to_be_tended(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage(judge=Judge.HAND)

    def sees() -> bool:
        with runtime.database.reading() as session:
            return holds(session, campaigns.is_under_way(it.clock.now()))

    assert not sees()
    it.go()
    assert not sees()  # until its time is over there is nothing to do
    it.clock.forward(timedelta(hours=4))
    assert sees()
    it.beat()
    assert it.test().waits is Waits.HAND and not sees()


def test_beat_sees_nothing_to_do_while_both_are_paused(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.schedule()
    with runtime.database.transaction() as session:
        campaigns.launch_due(session, it.clock.now())
    with runtime.database.transaction() as session:
        campaigns.together.pause(session, session.get_one(Campaign, it.a))
    with runtime.database.reading() as session:
        assert not holds(session, campaigns.is_under_way(it.clock.now()))
