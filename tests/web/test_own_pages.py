"""A reader's own pages: a pause, leaving everything in one press, a slip taken back, and why."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from newsletter.events import By, Event, EventKind, WhyLeft
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, EnrollmentStatus
from newsletter.subscribers import Status, Subscriber
from newsletter.web.feedback import UNDO, UNDOES, WHY
from newsletter.web.preferences import GO_ON, PAUSE, PAUSED, PAUSES
from tests.conftest import FixedClock
from tests.web.conftest import Form, Visitor, forms
from tests.web.owner.conftest import readable

Link = Callable[..., str]


def _one(runtime: Runtime) -> Subscriber:
    with runtime.database.reading() as session:
        return session.scalars(select(Subscriber)).one()


def _last(runtime: Runtime) -> Event:
    with runtime.database.reading() as session:
        return session.scalars(select(Event).options(joinedload(Event.wording)).order_by(Event.id.desc())).all()[0]


def _with(visitor: Visitor, page: str, name: str) -> Form:
    (found,) = [form for form in forms(visitor.get(page)) if name in form.fields]
    return found


def test_a_pause_begins_and_ends_with_one_press_each(jane: Visitor, link: Link, runtime: Runtime) -> None:
    page = link("preferences")
    assert jane.browser.post(page, data=_with(jane, page, "pause").fields).status_code == 303
    words = readable(jane.get(page).text)
    assert "Paused until 1 July 2026" in words and str(PAUSED) in words
    assert "it rests, and the next one comes on Friday, 3 July 2026" in words, "two days of waiting are left"
    assert (_last(runtime).kind, _last(runtime).words) == (EventKind.PAUSED, f"{PAUSE}: {PAUSES}")
    assert jane.browser.post(page, data=_with(jane, page, "go_on").fields).status_code == 303
    assert _one(runtime).paused_until is None
    assert (_last(runtime).kind, _last(runtime).words) == (EventKind.WENT_ON, f"{GO_ON}.")
    assert "Paused until" not in jane.get(page).text


def test_opening_the_page_pauses_nothing(jane: Visitor, link: Link, runtime: Runtime) -> None:
    for method in (jane.browser.get, jane.browser.head):
        assert method(f"{link('preferences')}?pause=y").status_code == 200
    assert _one(runtime).paused_until is None
    assert jane.browser.post(link("preferences"), data={"pause": "y"}).status_code == 400, "no token of our page"
    assert _one(runtime).paused_until is None


def _leave(jane: Visitor, link: Link) -> str:
    """Leave everything from the preferences page; the page that follows."""
    (form,) = [one for one in forms(jane.get(link("preferences"))) if one.action.startswith("/unsubscribe/")]
    answer = jane.browser.post(form.action, data=form.fields)
    assert answer.status_code == 200 and "You are unsubscribed" in answer.text
    return form.action


def test_everything_is_left_in_one_press_and_taken_back_in_another(jane: Visitor, link: Link, runtime: Runtime) -> None:
    page = link("preferences")
    left = _leave(jane, link)
    assert (_one(runtime).status, _one(runtime).newsletter) == (Status.UNSUBSCRIBED, False)
    seen = jane.get(left)
    assert str(UNDO) in seen.text and str(UNDOES) in seen.text, "whoever closed the page finds it again"
    assert _one(runtime).status is Status.UNSUBSCRIBED, "opening it takes nothing back"
    undo = _with(jane, left, "left")
    answer = jane.browser.post(undo.action, data=undo.fields)
    assert (answer.status_code, answer.location) == (303, f"{page}?back=1")
    assert "You have not left after all." in readable(jane.get(answer.location).text)
    assert (_one(runtime).status, _one(runtime).newsletter) == (Status.CONFIRMED, True)
    with runtime.database.reading() as session:
        statuses = session.scalars(select(Enrollment.status).order_by(Enrollment.id)).all()
    assert statuses == [EnrollmentStatus.STOPPED, EnrollmentStatus.ACTIVE]
    again = jane.browser.post(undo.action, data=undo.fields)
    assert (again.status_code, again.location) == (303, f"{page}?back=1"), "pressed twice is as good as once"


def test_after_a_day_it_is_not_offered_and_a_stale_page_is_told(
    jane: Visitor, link: Link, runtime: Runtime, clock: FixedClock
) -> None:
    left = _leave(jane, link)
    undo = _with(jane, left, "left")
    clock.forward(timedelta(days=1, minutes=1))
    assert str(UNDO) not in jane.get(left).text
    assert jane.browser.post(undo.action, data=undo.fields).status_code in (400, 410)
    assert _one(runtime).status is Status.UNSUBSCRIBED


@pytest.mark.parametrize("typed", [{"left": "1"}, {"left": "x"}, {}, {"left": "9" * 30}])
def test_a_forged_undo_changes_nothing(typed: dict[str, str], jane: Visitor, link: Link, runtime: Runtime) -> None:
    left = _leave(jane, link)
    token = _with(jane, left, "left").fields["csrf_token"]
    assert jane.browser.post(f"{left}/undo", data=typed).status_code == 400, "no token of our page"
    event = _last(runtime).id
    asked = typed if typed != {"left": "1"} else {"left": str(event + 1)}
    assert jane.browser.post(f"{left}/undo", data={**asked, "csrf_token": token}).status_code == 410
    forged = left[:-6] + "AAAAAA"
    assert jane.browser.post(f"{forged}/undo", data={"csrf_token": token, "left": event}).status_code in (400, 404, 410)
    assert _one(runtime).status is Status.UNSUBSCRIBED


@pytest.mark.parametrize("why", WhyLeft)
def test_why_is_one_press(why: WhyLeft, jane: Visitor, link: Link, runtime: Runtime) -> None:
    left = _leave(jane, link)
    seen = [form for form in forms(jane.get(left)) if form.fields.get("why") == why]
    answer = jane.browser.post(seen[0].action, data=seen[0].fields)
    assert "Thank you." in readable(answer.text) and str(UNDO) in answer.text, "a slip can still be taken back"
    noted = _last(runtime)
    assert (noted.kind, noted.why, noted.words, noted.by) == (EventKind.SAID_WHY, why, WHY[why], By.MAIL)


def test_who_is_a_reader_again_is_not_told_that_they_have_left(jane: Visitor, link: Link, runtime: Runtime) -> None:
    left = _leave(jane, link)
    (why, *_) = [form for form in forms(jane.get(left)) if "why" in form.fields]
    undo = _with(jane, left, "left")
    jane.browser.post(undo.action, data=undo.fields)
    answer = jane.browser.post(why.action, data=why.fields)  # the page from before, by the browser's Back
    assert (answer.status_code, answer.location) == (303, link("preferences"))
    assert _last(runtime).kind is not EventKind.SAID_WHY


def test_what_is_no_reason_is_told(jane: Visitor, link: Link, runtime: Runtime) -> None:
    left = _leave(jane, link)
    token = _with(jane, left, "left").fields["csrf_token"]
    answer = jane.browser.post(f"{left}/why", data={"csrf_token": token, "why": "<script>"})
    assert (answer.status_code, "Please choose a reason." in answer.text) == (400, True)
    assert _last(runtime).kind is EventKind.LEFT


def test_who_leaves_with_every_page_broken_has_left(
    jane: Visitor, link: Link, runtime: Runtime, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    action = link("unsubscribe")
    monkeypatch.setitem(app.jinja_env.globals, "url_for", None)
    answer = jane.browser.post(action)
    assert (answer.status_code, "You are unsubscribed" in answer.text) == (200, True)
    assert _one(runtime).status is Status.UNSUBSCRIBED
