"""Paula does one thing for everybody in her list: she sees first whom it reaches, and can call it off."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import jobs
from newsletter.accounts import AuditEntry
from newsletter.bulk_actions import ActionState, BulkAction
from newsletter.bulk_actions.person import BulkPerson
from newsletter.clock import FixedClock
from newsletter.runtime import Runtime
from newsletter.subscribers import Status, Subscriber, segments
from newsletter.subscribers.segments import Rules
from newsletter.subscribers.segments.rules import HasStatus
from newsletter.topics import Topic
from tests.bulk_actions.conftest import Crowd, crowd
from tests.web.owner.conftest import PASSWORD, Desk

__all__ = ["crowd"]
NEW = "/owner/subscribers/actions/new"


def _turn(runtime: Runtime, clock: FixedClock) -> None:
    clock.forward(timedelta(seconds=10))
    jobs.go_on_with_bulk_actions(runtime, lambda: False)


def test_the_list_leads_there_with_its_filter(desk: Desk, crowd: Crowd) -> None:
    assert 'actions/new?status=confirmed"' in desk.get("/owner/subscribers?status=confirmed")
    words = desk.read(f"{NEW}?status=confirmed")
    assert "Do something for all of 6 people shown" in words and "no button for that" in words


def test_taking_away_a_topic(desk: Desk, crowd: Crowd, runtime: Runtime, clock: FixedClock) -> None:
    with runtime.database.transaction() as session:
        for one in session.scalars(select(Subscriber)):
            one.newsletter = one.email == "ann@example.com"
        name = session.get_one(Topic, crowd.topic_id).name
    dry = desk.read(f"{NEW}?do=leave-topic&from_topic={crowd.topic_id}")
    assert "1 person takes it and would get no campaign about it any more. 7 others do not take it." in dry
    path = desk.post(NEW, do="leave-topic", from_topic=crowd.topic_id).request.path
    _turn(runtime, clock)
    words = desk.read(path)
    assert f"Take away the topic “{name}”" in words and "8 of 8 people looked at · done for 1" in words
    with runtime.database.reading() as session:
        assert session.scalar(select(AuditEntry.action).order_by(AuditEntry.id.desc())) == "topic taken from many"


def test_stopping_a_series_for_those_who_are_in_it(
    desk: Desk, crowd: Crowd, runtime: Runtime, clock: FixedClock
) -> None:
    dry = desk.read(f"{NEW}?do=stop-series&series={crowd.series_id}")
    assert "3 people are in it and get nothing more of it. 5 others are not in it." in dry
    answer = desk.post(NEW, do="stop-series", series=crowd.series_id)
    assert "It begins in 10 seconds. Until then “Undo” calls it off." in answer.text
    path = answer.request.path
    _turn(runtime, clock)
    words = desk.read(path)
    assert "Done." in words and "8 of 8 people looked at · done for 3" in words
    assert "5 of them could not be reached by it" in words
    assert crowd.enrolled() == []
    assert "Stop the series" in desk.read("/owner/subscribers/actions")
    progress = desk.client.get(f"{path}/progress.json").json
    assert progress == {"state": "done", "done": 8, "total": 8, "rows": 3, "percent": 100}
    with runtime.database.reading() as session:
        assert "series stopped for many" in session.scalars(select(AuditEntry.action)).all()


def test_sending_a_guide_says_who_gets_none(desk: Desk, crowd: Crowd) -> None:
    dry = desk.read(f"{NEW}?do=guide&guide={crowd.guide_id}")
    assert "3 people get a mail with a fresh link. 5 others have not asked for this guide" in dry
    desk.post(NEW, do="guide", guide=crowd.guide_id)
    with crowd.runtime.database.reading() as session:
        it = session.scalars(select(BulkAction)).one()
        assert (it.guide_id, it.expected, it.state) == (crowd.guide_id, 8, ActionState.WAITING)


def test_undo_calls_it_off_and_comes_too_late_with_a_word(
    desk: Desk, crowd: Crowd, runtime: Runtime, clock: FixedClock
) -> None:
    path = desk.post(NEW, do="stop-series", series=crowd.series_id).request.path
    assert "Called off. Nothing was done." in desk.told(f"{path}/undo")
    assert "Nothing was changed: this is called off." in desk.told(f"{path}/stop")
    _turn(runtime, clock)
    assert len(crowd.enrolled()) == 3


def test_erasing_takes_the_number_and_the_password(
    desk: Desk, crowd: Crowd, runtime: Runtime, clock: FixedClock
) -> None:
    clock.forward(timedelta(hours=1))  # the password is not fresh any more
    asked = {"do": "erase", "status": "pending", "sure": "1"}
    erase = NEW.replace("new", "erase")
    assert desk.post(erase, **asked).status_code == 403
    wrong = desk.post(erase, **asked | {"sure": "8", "password_again": PASSWORD})
    assert wrong.status_code == 422 and "type how many people they are: 1" in wrong.text
    with runtime.database.reading() as session:
        assert session.scalars(select(BulkAction)).all() == [] == session.scalars(select(BulkPerson)).all()
    assert "It begins in 10 seconds" in desk.told(erase, **asked)
    _turn(runtime, clock)
    assert "pip@example.com" not in crowd.addresses() and len(crowd.addresses()) == 7


def test_erasing_has_no_way_past_its_page(desk: Desk, crowd: Crowd, runtime: Runtime, clock: FixedClock) -> None:
    assert desk.post(NEW, do="erase").status_code == 422
    _turn(runtime, clock)
    assert len(crowd.addresses()) == 8


def test_a_segment_is_kept_as_it_was(desk: Desk, crowd: Crowd, runtime: Runtime, clock: FixedClock) -> None:
    with runtime.database.transaction() as session:
        rules = Rules(HasStatus(Status.PENDING))
        id = segments.save(session, "Not yet", rules, clock.now()).id
    desk.post(NEW.replace("new", "erase"), do="erase", segment=id, sure="1", password_again=PASSWORD)
    with runtime.database.transaction() as session:
        segments.save(session, "Not yet", Rules(HasStatus(Status.CONFIRMED)), clock.now(),
                      session.get_one(segments.SavedSegment, id))  # fmt: skip
    _turn(runtime, clock)
    assert "pip@example.com" not in crowd.addresses() and len(crowd.addresses()) == 7


def test_who_fits_no_more_is_left_and_told(desk: Desk, crowd: Crowd, runtime: Runtime, clock: FixedClock) -> None:
    assert "Only these people are erased" in desk.read(f"{NEW}?do=erase&status=pending")
    desk.post(NEW.replace("new", "erase"), do="erase", status="pending", sure="1", password_again=PASSWORD)
    with runtime.database.transaction() as session:
        pip = session.scalars(select(Subscriber).where(Subscriber.email == "pip@example.com")).one()
        pip.status = Status.CONFIRMED
        id = session.scalars(select(BulkAction.id)).one()
    _turn(runtime, clock)
    told = "1 of them did not fit the filter any more when their turn came, and was left as they are."
    assert told in desk.read(f"/owner/subscribers/actions/{id}")
    assert len(crowd.addresses()) == 8


@pytest.mark.parametrize("segment", ["999999", "x", "{{7*7}}"])
def test_a_segment_that_is_gone_begins_nothing(desk: Desk, crowd: Crowd, segment: str) -> None:
    answer = desk.post(NEW, do="stop-series", series=crowd.series_id, segment=segment)
    assert answer.status_code == 422 and "cannot be used, so nothing was begun" in answer.text
    with crowd.runtime.database.reading() as session:
        assert session.scalars(select(BulkAction)).all() == []


@pytest.mark.parametrize(
    "typed",
    [{}, {"do": "guide"}, {"do": "stop-series", "series": "x"}, {"do": "start-series"}, {"do": "leave-topic"}],
)
def test_what_is_not_whole_begins_nothing(desk: Desk, crowd: Crowd, typed: dict[str, str]) -> None:
    answer = desk.post(NEW, **typed)
    assert answer.status_code == 422 and "Please choose what is to be done." in answer.text
