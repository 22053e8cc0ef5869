"""The preferences page: what comes, under which name, and which series goes on."""

import re
from collections.abc import Callable
from datetime import time, timedelta
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import func, select

from newsletter import sequences
from newsletter.events import By, Event, EventKind
from newsletter.mail.ledger import Lane
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, EnrollmentStatus
from newsletter.subscribers import Consent, Subscriber
from tests.conftest import FixedClock
from tests.web.conftest import Visitor, forms
from tests.web.owner.conftest import readable

Link = Callable[..., str]


def _one(runtime: Runtime) -> Subscriber:
    with runtime.database.reading() as session:
        return session.scalars(select(Subscriber)).one()


def _preferences(jane: Visitor, link: Link, **changes: str) -> int:
    form = forms(jane.get(link("preferences")))[0]
    kept = {key: value for key, value in form.fields.items() if changes.get(key) != "-"}
    return jane.browser.post(
        link("preferences"), data={**kept, **{k: v for k, v in changes.items() if v != "-"}}
    ).status_code


def test_preferences_are_saved_and_saving_twice_is_as_good_as_once(jane: Visitor, link: Link, runtime: Runtime) -> None:
    for _ in range(2):
        assert _preferences(jane, link, newsletter="-", first_name="Janet") == 303
    assert (_one(runtime).newsletter, _one(runtime).first_name) == (False, "Janet")
    for _ in range(2):
        assert _preferences(jane, link, newsletter="y") == 303
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count()).where(Consent.form == "preferences")) == 1


def test_a_name_of_ten_thousand_letters_is_told_there_too(jane: Visitor, link: Link, runtime: Runtime) -> None:
    assert _preferences(jane, link, first_name="x" * 10_000) in (200, 422)
    assert _one(runtime).first_name == "Jane"


def _course(runtime: Runtime) -> EnrollmentStatus:
    with runtime.database.reading() as session:
        return session.scalars(select(Enrollment.status)).one()


def test_a_series_is_stopped_with_one_button_pressed_once_or_twice(jane: Visitor, link: Link, runtime: Runtime) -> None:
    form = forms(jane.get(link("preferences")))[1]
    answers = [jane.browser.post(link("preferences"), data=form.fields).status_code for _ in range(2)]
    assert answers == [303, 303]
    assert _course(runtime) is EnrollmentStatus.STOPPED
    assert _one(runtime).newsletter, "the newsletter goes on"
    assert not any("stop" in form.fields for form in forms(jane.get(link("preferences"))))


@pytest.mark.parametrize("stop", ["abc", "-1", "0", "9" * 30, "1e3", "\x00", "٣", "404"])
def test_a_series_that_is_not_there_cannot_be_stopped(stop: str, jane: Visitor, link: Link, runtime: Runtime) -> None:
    assert jane.press(link("preferences"), 1, stop=stop).status_code in (303, 400, 404)
    assert _course(runtime) is EnrollmentStatus.ACTIVE


def test_nobody_stops_somebody_elses_series(
    jane: Visitor, link: Link, runtime: Runtime, person: Callable[..., int]
) -> None:
    bob = runtime.renderer.urls.preferences(person("bob@example.com")).removeprefix(runtime.settings.site)
    hers = forms(jane.get(link("preferences")))[1].fields["stop"]
    jane.press(bob, stop=hers)
    assert _course(runtime) is EnrollmentStatus.ACTIVE


def _stop_link(inbox: Callable[[str], list[EmailMessage]], subject: str) -> str:
    """Where "stops them" leads in the newest mail with this in its subject: the same in both parts."""
    mail = next(one for one in reversed(inbox("jane@example.com")) if subject in one["subject"])
    parts = [mail.get_body((kind,)) for kind in ("plain", "html")]
    found = {
        urlsplit(word).path
        for part in parts
        if part
        for word in re.findall(r"http[^\s\"<>]+/stop/[\w-]+", part.get_content())
    }
    (only,) = found
    return only


def test_the_link_that_stops_them_stops_them_in_one_press(
    jane: Visitor, runtime: Runtime, inbox: Callable[[str], list[EmailMessage]]
) -> None:
    link = _stop_link(inbox, "Your guide:")
    page = jane.get(link)
    assert "Stop these e-mails?" in page.text and len(forms(page)) == 1
    assert jane.browser.head(link).status_code == 200
    assert _course(runtime) is EnrollmentStatus.ACTIVE, "a scanner has looked at it"
    answers = [jane.browser.post(link, data=forms(page)[0].fields) for _ in range(2)]
    assert [one.status_code for one in answers] == [303, 303]
    assert _course(runtime) is EnrollmentStatus.STOPPED
    done = jane.get(answers[0].location or "")
    assert "These e-mails have stopped" in done.text and forms(done) == []
    assert _one(runtime).newsletter, "the newsletter goes on"
    with runtime.database.reading() as session:
        (event,) = session.scalars(select(Event).where(Event.kind == EventKind.SERIES_STOPPED))
    assert (event.by, event.page) == (By.MAIL, "/preferences/stop")


def test_the_page_after_confirming_leads_to_the_same_button(jane: Visitor, link: Link) -> None:
    assert '/stop/exercise-at-50">stop them here</a>' in jane.get(link("confirm")).text


def test_a_mail_of_the_series_leads_there_too(
    jane: Visitor, runtime: Runtime, inbox: Callable[[str], list[EmailMessage]], clock: FixedClock
) -> None:
    clock.forward(timedelta(days=3))
    with runtime.database.transaction() as session:
        sequences.advance_due(session, clock.now(), "Europe/London")
    runtime.delivery.run(Lane.BULK)
    assert jane.press(_stop_link(inbox, "start with a chair")).status_code == 303
    assert _course(runtime) is EnrollmentStatus.STOPPED


def test_stopping_one_guides_series_leaves_the_other(jane: Visitor, link: Link, runtime: Runtime) -> None:
    page = jane.get(f"{link('preferences')}/stop/recover-from-pain")
    assert "There is nothing to stop" in page.text and forms(page) == []
    assert (
        jane.browser.post(
            f"{link('preferences')}/stop/recover-from-pain", data=forms(jane.get(link("preferences")))[0].fields
        ).status_code
        == 303
    )
    assert _course(runtime) is EnrollmentStatus.ACTIVE


def test_without_the_page_its_reader_can_still_leave(
    jane: Visitor, link: Link, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.jinja_env.globals, "url_for", None)
    page = jane.get(f"{link('preferences')}/stop/exercise-at-50")
    assert page.status_code == 200 and "Unsubscribe me" in page.text


def test_each_series_says_where_they_are_and_when_the_next_one_comes(
    jane: Visitor, link: Link, runtime: Runtime, clock: FixedClock
) -> None:
    with runtime.database.transaction() as session:
        session.scalars(select(Subscriber)).one().zone = "Pacific/Auckland"
    page = link("preferences")
    # Two days after Monday noon in London, which is Wednesday night there: the scheduler rolls nothing here.
    assert "0 of 10 articles sent; the next one on Wednesday, " in readable(jane.get(page).text)
    assert "3 June 2026" in jane.get(page).text
    with runtime.database.transaction() as session:
        planned = sequences.what_is_next(session, session.scalars(select(Enrollment)).one(), "UTC", clock.now())[0]
    clock.forward(planned.due_at - clock.now())
    with runtime.database.transaction() as session:
        sequences.advance_due(session, clock.now(), "Europe/London")
    assert "0 of 10 articles sent; the next one any minute" in readable(jane.get(page).text)
    runtime.delivery.run(Lane.BULK)
    with runtime.database.transaction() as session:
        sequences.advance_due(session, clock.now(), "Europe/London")
    assert "1 of 10 articles sent; the next one on Monday, 8 June 2026" in readable(jane.get(page).text)
    jane.press(page, 1)
    assert "1 of 10 articles sent, 9 left" in readable(jane.get(page).text)


def test_who_lives_elsewhere_says_so_and_the_next_article_comes_at_their_time(
    jane: Visitor, link: Link, runtime: Runtime, clock: FixedClock
) -> None:
    page = link("preferences")
    assert "As here (Europe/London)" in jane.get(page).text
    with runtime.database.transaction() as session:
        step = session.scalars(select(Enrollment)).one().sequence.current_steps[0]
        step.not_before = time(12, 30)
    # Noon in London is eleven at night there, and seven in the morning in New York.
    for zone, hour, minute in (("Pacific/Auckland", 11, 0), ("", 11, 30), ("America/New_York", 16, 30)):
        assert _preferences(jane, link, zone=zone) == 303
        assert _one(runtime).zone == (zone or None)
        with runtime.database.transaction() as session:
            assert sequences.advance_due(session, clock.now(), "Europe/London") == 1, "it is worked out anew"
        with runtime.database.reading() as session:
            due_at = session.scalars(select(Enrollment.due_at)).one()
        assert due_at is not None and (due_at.hour, due_at.minute) == (hour, minute)
        assert f'<option value="{zone}" selected>' in jane.get(page).text


@pytest.mark.parametrize("typed", ["Europe/Nowhere", "../etc/passwd", "\0", "x" * 500])
def test_what_is_no_zone_is_told(typed: str, jane: Visitor, link: Link, runtime: Runtime) -> None:
    assert _preferences(jane, link, zone=typed) == 422
    assert _one(runtime).zone is None


def test_a_press_that_says_nothing_of_the_zone_leaves_it(jane: Visitor, link: Link, runtime: Runtime) -> None:
    _preferences(jane, link, zone="Pacific/Auckland")
    form = forms(jane.get(link("preferences")))[0]
    jane.browser.post(link("preferences"), data={k: v for k, v in form.fields.items() if k != "zone"})
    assert _one(runtime).zone == "Pacific/Auckland"
