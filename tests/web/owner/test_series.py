"""Editing a series under people who are on their way through it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from newsletter import sequences
from newsletter.clock import FixedClock
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, Sequence, Step
from newsletter.subscribers import Stream
from tests.web.owner.conftest import Desk


@pytest.fixture
def steps(runtime: Runtime) -> list[int]:
    """The steps of the first series."""
    with runtime.database.reading() as session:
        sequence = session.scalars(select(Sequence).order_by(Sequence.id)).first()
        assert sequence is not None
        return [step.id for step in sequence.current_steps]


@pytest.fixture
def series(runtime: Runtime) -> str:
    """Its page."""
    with runtime.database.reading() as session:
        return f"/owner/series/{session.scalars(select(Sequence.id).order_by(Sequence.id)).first()}"


def due(runtime: Runtime, enrollment: int) -> datetime | None:
    with runtime.database.reading() as session:
        return session.get_one(Enrollment, enrollment).due_at


def test_the_page_shows_steps_people_and_the_calendar(desk: Desk, series: str, enrolled: Callable[..., int]) -> None:
    enrolled("jane@example.com")
    words = desk.read(series)
    assert "1. Over 40 and suffering with unresolved muscle or joint pain? Start here" in words
    assert "1 person waits for it" in words
    assert "0 waiting 1 active 0 finished 0 stopped" in words
    assert "If somebody confirms now Wed 3 Jun 2026, 12:00 BST Over 40 and suffering" in words


def test_a_new_delay_moves_those_whose_next_step_it_is(
    desk: Desk, series: str, steps: list[int], runtime: Runtime, enrolled: Callable[..., int], clock: FixedClock
) -> None:
    jane = enrolled("jane@example.com")
    assert due(runtime, jane) == clock.now() + timedelta(days=2)
    assert "1 person has a new date" in desk.told(f"{series}/steps/{steps[0]}/delay", delay="5 days")
    assert due(runtime, jane) == clock.now() + timedelta(days=5)
    desk.post(f"{series}/steps/{steps[0]}/delay", delay="1 hour")
    assert due(runtime, jane) == clock.now() + timedelta(hours=1)


def test_a_delay_of_a_later_step_moves_nobody_yet(
    desk: Desk, series: str, steps: list[int], runtime: Runtime, enrolled: Callable[..., int]
) -> None:
    jane = enrolled("jane@example.com")
    before = due(runtime, jane)
    assert "new date" not in desk.told(f"{series}/steps/{steps[1]}/delay", delay="9 days")
    assert due(runtime, jane) == before


@pytest.mark.parametrize("typed", ["soon", "", "-1 days", "3 weeks", "99999 days", "3 days; DROP TABLE steps"])
def test_a_delay_that_nobody_can_read_changes_nothing(desk: Desk, series: str, steps: list[int], typed: str) -> None:
    assert "Nothing was changed: a delay should read like" in desk.told(f"{series}/steps/{steps[0]}/delay", delay=typed)
    assert 'value="2 days"' in desk.get(series)


def test_a_removed_step_is_skipped_and_the_next_comes_no_sooner(
    desk: Desk, series: str, steps: list[int], runtime: Runtime, enrolled: Callable[..., int]
) -> None:
    jane = enrolled("jane@example.com")
    desk.post(f"{series}/steps/{steps[0]}/delay", delay="9 days")
    promised = due(runtime, jane)
    assert "is out of the series" in desk.told(f"{series}/steps/{steps[0]}/remove")
    assert due(runtime, jane) == promised
    assert "removed already" in desk.told(f"{series}/steps/{steps[0]}/remove")
    with runtime.database.reading() as session:
        step = session.get_one(Enrollment, jane).next_step
        assert step is not None
        assert step.id == steps[1]


def test_moving_a_step_changes_what_comes_next(
    desk: Desk, series: str, steps: list[int], runtime: Runtime, enrolled: Callable[..., int], clock: FixedClock
) -> None:
    jane = enrolled("jane@example.com")
    desk.post(f"{series}/steps/{steps[1]}/up")
    assert due(runtime, jane) == clock.now() + timedelta(days=4)
    assert "is at the end already" in desk.told(f"{series}/steps/{steps[1]}/up")
    desk.post(f"{series}/steps/{steps[1]}/down")
    assert due(runtime, jane) == clock.now() + timedelta(days=2)


def test_an_article_is_added_at_the_end_once(desk: Desk, series: str, article: int) -> None:
    assert "“On walking” now ends the series" in desk.told(f"{series}/steps", article=article, delay="7 days")
    assert "is in this series already" in desk.told(f"{series}/steps", article=article, delay="7 days")
    bad = desk.post(f"{series}/steps", article=article, delay="later")
    assert bad.status_code == 422
    assert "A delay should read like" in bad.text


def test_a_series_that_is_off_sends_nothing_and_keeps_everybody(
    desk: Desk, series: str, runtime: Runtime, enrolled: Callable[..., int], clock: FixedClock
) -> None:
    enrolled("jane@example.com")
    assert "later by as long as it was off" in desk.told(f"{series}/live", live="yes")
    assert "no time passes" in desk.told(f"{series}/live", live="no")
    clock.forward(timedelta(days=3))
    with runtime.database.transaction() as session:
        assert sequences.advance_due(session, clock.now(), "Europe/London") == 0
    with runtime.database.transaction() as session:
        session.get_one(Sequence, int(series.rpartition("/")[2])).switch_on(clock.now())
        sequences.advance_due(session, clock.now() + timedelta(days=1, hours=23), "Europe/London")
        assert session.scalars(select(Message.stream)).all() == []
        assert sequences.advance_due(session, clock.now() + timedelta(days=2), "Europe/London") == 1
        assert session.scalars(select(Message.stream)).all() == [Stream.STEP]


def test_an_article_is_added_in_front_of_another_for_those_it_is_ahead_of(
    desk: Desk, series: str, steps: list[int], article: int, runtime: Runtime, enrolled: Callable[..., int]
) -> None:
    jane = enrolled("jane@example.com")
    assert "“On walking” now comes before “" in desk.told(
        f"{series}/steps", article=article, delay="3 days", before=steps[0]
    )
    with runtime.database.reading() as session:
        step = session.get_one(Enrollment, jane).next_step
        assert step is not None
        assert step.article_id == article


def test_an_article_that_was_removed_comes_back_as_the_step_it_was(
    desk: Desk, series: str, steps: list[int], runtime: Runtime
) -> None:
    with runtime.database.reading() as session:
        step = session.get_one(Step, steps[0])
    desk.post(f"{series}/steps/{step.id}/remove")
    assert "now ends the series" in desk.told(f"{series}/steps", article=step.article_id, delay="7 days")
    with runtime.database.reading() as session:
        again = session.scalars(select(Step).where(Step.article_id == step.article_id)).one()
    assert (again.id, again.deleted_at) == (step.id, None)


def test_the_list_shows_every_series(desk: Desk) -> None:
    words = desk.read("/owner/series")
    assert "After the guide: 9 key principles to help you recover from pain and injury on" in words
    assert "8 articles" in words
