"""A tag of many people is taken back exactly: of those only whose tags were changed."""

from datetime import timedelta

import pytest
from sqlalchemy import ColumnElement, func, select, true

from newsletter import jobs, journey
from newsletter.bulk_actions import NotNow, TagChange, change_tag, undoable
from newsletter.bulk_actions.tagging import TagChangePerson
from newsletter.subscribers import Subscriber, retag, with_tag
from tests.bulk_actions.conftest import ASKED, OTHERS, Crowd

SPRING = "spring"


def _change(crowd: Crowd, who: ColumnElement[bool], *, gives: bool, tag: str = SPRING) -> TagChange:
    with crowd.runtime.database.transaction() as session:
        return change_tag(session, tag, who, crowd.clock.now(), gives=gives, owner_id=None)


def _undo(crowd: Crowd, id: int) -> int:
    with crowd.runtime.database.transaction() as session:
        return session.get_one(TagChange, id).undo(session, crowd.clock.now())


def _tagged(crowd: Crowd, tag: str = SPRING) -> set[str]:
    with crowd.runtime.database.reading() as session:
        return set(session.scalars(select(Subscriber.email).where(with_tag(tag))))


def _give(crowd: Crowd, email: str, *tags: str) -> None:
    with crowd.runtime.database.transaction() as session:
        person = session.scalars(select(Subscriber).where(Subscriber.email == email)).one()
        retag(session, person.id, tags)


def _kept(crowd: Crowd) -> int:
    with crowd.runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(TagChangePerson)) or 0


def test_who_had_it_before_keeps_it(crowd: Crowd) -> None:
    _give(crowd, ASKED[0], SPRING, "other")
    made = _change(crowd, Subscriber.email.in_(ASKED), gives=True)
    assert made.people == 2 and _tagged(crowd) == set(ASKED)
    _give(crowd, OTHERS[0], SPRING)
    assert _undo(crowd, made.id) == 2
    assert _tagged(crowd) == {ASKED[0], OTHERS[0]} and _tagged(crowd, "other") == {ASKED[0]}
    assert _kept(crowd) == 0


def test_who_had_it_not_does_not_get_it(crowd: Crowd) -> None:
    for email in ASKED:
        _give(crowd, email, SPRING)
    _give(crowd, OTHERS[0], "other")
    who = (with_tag(SPRING) | with_tag("other")) & Subscriber.email.in_((*ASKED[:2], *OTHERS))
    made = _change(crowd, who, gives=False)
    assert made.people == 2 and _tagged(crowd) == {ASKED[2]}
    assert _undo(crowd, made.id) == 2
    assert _tagged(crowd) == set(ASKED)


def test_what_was_changed_by_hand_since_is_not_counted(crowd: Crowd) -> None:
    made = _change(crowd, Subscriber.email.in_(ASKED), gives=True)
    _give(crowd, ASKED[0])
    assert _undo(crowd, made.id) == 2 and _tagged(crowd) == set()
    again = _change(crowd, Subscriber.email.in_(ASKED), gives=True)
    with crowd.runtime.database.transaction() as session:
        ann = session.scalars(select(Subscriber).where(Subscriber.email == ASKED[0])).one()
        journey.erase(session, crowd.runtime, ann, crowd.clock.now())
    assert _undo(crowd, again.id) == 2


def test_it_is_undone_once_and_for_a_day(crowd: Crowd) -> None:
    first, second = (_change(crowd, true(), gives=True, tag=tag) for tag in (SPRING, "late"))
    _undo(crowd, first.id)
    with pytest.raises(NotNow, match="undone before"):
        _undo(crowd, first.id)
    crowd.clock.forward(timedelta(hours=24))
    with crowd.runtime.database.reading() as session:
        assert [one.tag for one in undoable(session, crowd.clock.now())] == ["late"]
    jobs.sweep(crowd.runtime, lambda: False)
    assert _kept(crowd) == 8
    crowd.clock.forward(timedelta(seconds=1))
    with pytest.raises(NotNow, match="24 hours, which are over"):
        _undo(crowd, second.id)
    with crowd.runtime.database.reading() as session:
        assert undoable(session, crowd.clock.now()) == []
    jobs.sweep(crowd.runtime, lambda: False)
    assert _kept(crowd) == 0 and len(_tagged(crowd, "late")) == 8


def test_what_changed_nothing_is_not_offered(crowd: Crowd) -> None:
    assert _change(crowd, true(), gives=False).people == 0
    with crowd.runtime.database.reading() as session:
        assert undoable(session, crowd.clock.now()) == []
