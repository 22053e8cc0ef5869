"""The preferences page: what comes, under which name, and which series goes on."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from newsletter.runtime import Runtime
from newsletter.sequences import Course, Enrollment
from newsletter.subscribers import Consent, Subscriber
from tests.web.conftest import Visitor, forms

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


def _course(runtime: Runtime) -> Course:
    with runtime.database.reading() as session:
        return session.scalars(select(Enrollment.course)).one()


def test_a_series_is_stopped_with_one_button_pressed_once_or_twice(jane: Visitor, link: Link, runtime: Runtime) -> None:
    form = forms(jane.get(link("preferences")))[1]
    answers = [jane.browser.post(link("preferences"), data=form.fields).status_code for _ in range(2)]
    assert answers == [303, 303]
    assert _course(runtime) is Course.STOPPED
    assert _one(runtime).newsletter, "the newsletter goes on"
    assert ["stop" in form.fields for form in forms(jane.get(link("preferences")))] == [False, False]


@pytest.mark.parametrize("stop", ["abc", "-1", "0", "9" * 30, "1e3", "\x00", "٣", "404"])
def test_a_series_that_is_not_there_cannot_be_stopped(stop: str, jane: Visitor, link: Link, runtime: Runtime) -> None:
    assert jane.press(link("preferences"), 1, stop=stop).status_code in (303, 400, 404)
    assert _course(runtime) is Course.ACTIVE


def test_nobody_stops_somebody_elses_series(
    jane: Visitor, link: Link, runtime: Runtime, person: Callable[..., int]
) -> None:
    bob = runtime.renderer.urls.preferences(person("bob@example.com")).removeprefix(runtime.settings.site)
    hers = forms(jane.get(link("preferences")))[1].fields["stop"]
    jane.press(bob, stop=hers)
    assert _course(runtime) is Course.ACTIVE
