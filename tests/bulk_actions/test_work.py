"""An action begins when its grace is over, can be called off before and stopped after, and is never done twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from newsletter import bulk_actions, installation
from newsletter.bulk_actions import ActionKind, ActionState, BulkAction, NotNow, work
from newsletter.db import holds
from newsletter.events import Event, EventKind
from newsletter.installation import LockReason
from newsletter.mail.ledger import Lane
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber
from tests.bulk_actions.conftest import ASKED, Crowd


def _looks(crowd: Crowd) -> bool:
    with crowd.runtime.database.reading() as session:
        return holds(session, bulk_actions.is_waiting(crowd.clock.now()))


def test_nothing_is_done_before_the_grace_is_over(crowd: Crowd) -> None:
    id = crowd.begin(ActionKind.ERASE)
    crowd.work(timedelta(seconds=9))
    assert len(crowd.addresses()) == 8 and not _looks(crowd)
    with crowd.runtime.database.transaction() as session:
        session.get_one(BulkAction, id).call_off(session, crowd.clock.now())
    crowd.work()
    assert len(crowd.addresses()) == 8 and crowd.action(id).state is ActionState.CALLED_OFF


def test_beat_sees_it_when_it_is_time(crowd: Crowd) -> None:
    crowd.begin(ActionKind.ERASE)
    crowd.clock.forward(timedelta(seconds=10))
    assert _looks(crowd)
    crowd.work()
    assert not _looks(crowd)


def test_it_is_stopped_between_two_and_goes_on_there(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "AT_ONCE", 1)
    id = crowd.begin(ActionKind.STOP_SERIES)
    crowd.clock.forward(timedelta(seconds=10))
    turns = iter([False, True])  # one turn, then the worker is told to stop
    bulk_actions.go_on(crowd.runtime, lambda: next(turns))
    assert crowd.action(id).looked_at == 1 and len(crowd.enrolled()) == 2
    with crowd.runtime.database.transaction() as session:
        session.get_one(BulkAction, id).stop()
    crowd.work()
    assert len(crowd.enrolled()) == 2
    with crowd.runtime.database.transaction() as session:
        with pytest.raises(NotNow):
            session.get_one(BulkAction, id).call_off(session, crowd.clock.now())
        session.get_one(BulkAction, id).go_on(crowd.clock.now())
    crowd.work()
    it = crowd.action(id)
    assert (it.state, it.looked_at, it.done) == (ActionState.DONE, 8, 3) and crowd.enrolled() == []


def test_a_worker_that_dies_in_the_middle_has_done_nothing_of_it(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    id, do = crowd.begin(ActionKind.STOP_SERIES), work.do
    seen = []

    def dies(*args: object) -> object:
        seen.append(args)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return do(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(work, "do", dies)
    with pytest.raises(KeyboardInterrupt):
        crowd.work()
    assert crowd.enrolled() == sorted(ASKED) and crowd.action(id).position == 0
    crowd.work(timedelta(0))
    assert crowd.action(id).state is ActionState.DONE and crowd.enrolled() == []


def test_two_workers_share_none(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "AT_ONCE", 1)
    id = crowd.begin(ActionKind.STOP_SERIES)
    crowd.clock.forward(timedelta(seconds=10))
    with ThreadPoolExecutor(2) as both:
        for done in [both.submit(bulk_actions.go_on, crowd.runtime, lambda: False) for _ in range(2)]:
            done.result()
    bulk_actions.go_on(crowd.runtime, lambda: False)
    it = crowd.action(id)
    assert (it.state, it.looked_at, it.done) == (ActionState.DONE, 8, 3)
    with crowd.runtime.database.reading() as session:
        assert len(session.scalars(select(Event).where(Event.kind == EventKind.SERIES_STOPPED)).all()) == 3


def test_a_restored_installation_goes_on_with_none_by_itself(crowd: Crowd, runtime: Runtime) -> None:
    id = crowd.begin(ActionKind.ERASE)
    crowd.clock.forward(timedelta(minutes=1))
    with runtime.database.transaction() as session:
        installation.current(session).lock(LockReason.RESTORED, 0, None, crowd.clock.now())
    crowd.work()
    assert crowd.action(id).state is ActionState.STOPPED and len(crowd.addresses()) == 8
    with runtime.database.transaction() as session:
        session.get_one(BulkAction, id).go_on(crowd.clock.now())
    crowd.work()
    assert crowd.action(id).state is ActionState.DONE and crowd.addresses() == set()


def test_who_changed_meanwhile_is_judged_as_they_are(crowd: Crowd, runtime: Runtime) -> None:
    while runtime.delivery.run(Lane.TRANSACTIONAL):
        pass
    id = crowd.begin(ActionKind.GUIDE)
    with runtime.database.transaction() as session:
        session.execute(update(Subscriber).where(Subscriber.email == ASKED[0]).values(status="unsubscribed"))
    crowd.work()
    assert crowd.action(id).done == 2
