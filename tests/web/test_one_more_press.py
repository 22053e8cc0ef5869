"""The page with one button, for who has no script; and pages that stay open for days."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from newsletter.clock import FixedClock
from newsletter.runtime import Runtime
from newsletter.subscribers import Consent
from newsletter.web import robots
from tests.web.conftest import FIFTY, Visitor, forms
from tests.web.test_embed import people

Inbox = Callable[[str], list[EmailMessage]]


def test_who_has_no_script_presses_once_more_and_loses_nothing(
    visitor: Visitor, runtime: Runtime, inbox: Inbox
) -> None:
    form = forms(visitor.get(f"/guides/{FIFTY}"))[0]
    data = {**form.fields, "email": "jane@example.com", "first_name": "Jane", "newsletter": "y"}
    page = visitor.browser.post(form.action, data=data, headers={"Referer": f"http://localhost/guides/{FIFTY}?x=1"})
    assert page.status_code == 200 and "One more press" in page.text and people(runtime) == 0
    press, correct = forms(page)
    assert press.action == correct.action == "/subscribe"
    again = visitor.browser.post("/subscribe", data=correct.fields)
    mine = next(one for one in forms(again) if one.fields["guide"] == FIFTY)
    assert (mine.fields["email"], mine.fields["newsletter"]) == ("jane@example.com", "y") and again.status_code == 200
    assert people(runtime) == 0
    answer = visitor.browser.post(press.action, data=press.fields)
    assert answer.status_code == 200 and "It goes to <strong" in answer.text, "no script keeps the address for the page"
    assert len(inbox("jane@example.com")) == 1
    with runtime.database.reading() as session:
        kept = session.scalars(select(Consent)).one()
    assert (kept.page, kept.newsletter, kept.first_name) == (f"/guides/{FIFTY}", True, "Jane")


def test_a_page_left_open_for_days_loses_nothing(visitor: Visitor, clock: FixedClock, inbox: Inbox) -> None:
    form = forms(visitor.get("/"))[0]
    clock.forward(timedelta(days=3))
    assert visitor.send(form, email="jane@example.com").status_code == 303
    assert len(inbox("jane@example.com")) == 1


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner's own machine."""
    monkeypatch.setattr(robots, "is_home", lambda: True)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("number", [0, -1], ids=["box", "footer"])
def test_at_home_a_page_of_ours_is_enough(number: int, visitor: Visitor, inbox: Inbox) -> None:
    form = forms(visitor.get("/"))[number]
    answer = visitor.browser.post(form.action, data={**form.fields, "email": "jane@example.com"})
    assert answer.status_code == 303 and len(inbox("jane@example.com")) == 1


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("token", [None, "", "forged", "x" * 10_000])
def test_at_home_too_a_form_that_is_not_ours_needs_one_more_press(
    token: str | None, visitor: Visitor, runtime: Runtime
) -> None:
    fields = {**forms(visitor.get("/f/footer"))[0].fields, "email": "jane@example.com"}
    del fields["csrf_token"]
    page = visitor.browser.post("/f/footer", data=fields | ({} if token is None else {"csrf_token": token}))
    assert "One more press" in page.text and people(runtime) == 0


@pytest.mark.usefixtures("home")
def test_a_page_of_yesterday_needs_one_more_press(visitor: Visitor, clock: FixedClock, runtime: Runtime) -> None:
    form = forms(visitor.get("/f/footer"))[0]
    clock.forward(robots.PRESS_LIFE + timedelta(seconds=1))
    page = visitor.browser.post(form.action, data={**form.fields, "email": "jane@example.com"})
    assert "One more press" in page.text and people(runtime) == 0


def test_a_page_that_was_opened_at_home_proves_nothing_elsewhere(
    visitor: Visitor, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as at_home:
        at_home.setattr(robots, "is_home", lambda: True)
        fields = forms(visitor.get("/f/footer"))[0].fields
    assert "csrf_token" in fields and "csrf_token" not in forms(visitor.get("/f/footer"))[0].fields
    page = visitor.browser.post("/f/footer", data={**fields, "email": "jane@example.com"})
    assert "One more press" in page.text and people(runtime) == 0
