"""All that is held, and its deletion, by a link that was sent to the mailbox."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import func, select

from newsletter import data_export
from newsletter.clicks import Click
from newsletter.clicks import Link as Followed
from newsletter.journey.prove import MOST_A_DAY
from newsletter.links import Purpose
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.subscribers import Stream, Subscriber, Suppression, SuppressionReason
from tests.conftest import NOON, FixedClock
from tests.web.conftest import Visitor, forms
from tests.web.owner.conftest import readable

Link = Callable[..., str]
Inbox = Callable[[str], list[EmailMessage]]
JANE = "jane@example.com"


def _ask(jane: Visitor, link: Link, what: str) -> None:
    page = link("preferences")
    (form,) = [one for one in forms(jane.get(page)) if what in one.fields]
    answer = jane.browser.post(page, data=form.fields)
    assert (answer.status_code, answer.location) == (303, f"{page}?sent=1")
    assert "Look into your inbox." in jane.get(answer.location).text


def _people(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return session.scalar(select(func.count(Subscriber.id))) or 0


def test_all_that_is_held_is_shown_and_is_a_file(jane: Visitor, link: Link, inbox: Inbox) -> None:
    _ask(jane, link, "data")
    mail = inbox(JANE)[-1]
    assert mail["Subject"] == "Your link to what we hold about you"
    assert mail["Auto-Submitted"] == "auto-generated" and "Jane" not in mail.as_string()
    page = jane.get(link("own"))
    words = readable(page.text)
    assert "jane@example.com" in words and "first name Jane" in words and "topics every topic" in words
    assert "Yes, please also send me the Human Movement newsletter." in words
    held = jane.get(f"{link('own')}/data.json")
    assert held.headers["Content-Disposition"] == "attachment; filename=what-we-hold.json"
    assert held.get_json()["subscriber"]["email"] == JANE
    assert page.headers["Cache-Control"] == held.headers["Cache-Control"] == "private, no-store"


def test_nothing_of_what_is_held_is_left_out(
    jane: Visitor, link: Link, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    _ask(jane, link, "data")
    with runtime.database.transaction() as session:
        (mail,) = session.scalars(select(Message).where(Message.stream == Stream.PROVE)).all()
        followed = Followed(url="https://example.org/followed")
        clicked = Click(subscriber_id=mail.subscriber_id, message_id=mail.id, revision_id=1, person_at=NOON)
        clicked.link = followed
        session.add(clicked)
    page = readable(jane.get(link("own")).text)
    assert "https://example.org/followed" in page and "objects to clicks no" in page
    known = data_export.of
    more = {"to come": [{"a part": "of rows"}], "as_well": "words", "and_none": []}
    monkeypatch.setattr(data_export, "of", lambda *asked: known(*asked) | more)
    page = readable(jane.get(link("own")).text)
    assert "a part of rows" in page and "as well words" in page and "and none –" in page


def test_everything_is_deleted_by_the_button_behind_the_link(
    jane: Visitor, link: Link, inbox: Inbox, runtime: Runtime
) -> None:
    _ask(jane, link, "erase")
    page = link("own")
    preferences = link("preferences")
    for method in (jane.browser.get, jane.browser.head):
        assert method(page).status_code == 200
    assert _people(runtime) == 1, "opening it deletes nothing"
    assert jane.browser.post(page).status_code == 400, "nor does a post without our page's token"
    assert jane.get(f"{page}/data.json").status_code == 404, "that link is for one thing"
    answer = jane.press(page)
    assert (answer.status_code, "Everything is deleted" in answer.text) == (200, True)
    assert _people(runtime) == 0
    with runtime.database.reading() as session:
        assert session.scalars(select(Suppression.reason)).all() == [SuppressionReason.ERASED]
        assert session.scalar(select(func.count(Message.id))) == 0
    assert jane.get(page).status_code == jane.get(preferences).status_code == 410


def test_what_the_preferences_page_knows_reads_and_deletes_nothing(jane: Visitor, link: Link, runtime: Runtime) -> None:
    token = link("preferences").rsplit("/", 1)[1]
    for path in (f"/own/{token}", f"/own/{token}/data.json"):
        assert jane.get(path).status_code == 404
    assert jane.browser.post(f"/own/{token}").status_code in (400, 404)
    assert _people(runtime) == 1


def test_a_link_to_the_data_deletes_nothing(jane: Visitor, link: Link, runtime: Runtime) -> None:
    _ask(jane, link, "erase")
    token = forms(jane.get(link("own")))[0].fields["csrf_token"]
    with runtime.database.reading() as session:
        id = session.scalars(select(Subscriber.id)).one()
    until = int(runtime.clock.now().timestamp()) + 60
    data = runtime.signer.token(Purpose.OWN, 1, id, until)
    assert jane.browser.post(f"/own/{data}", data={"csrf_token": token}).status_code == 405
    assert _people(runtime) == 1


@pytest.mark.parametrize("numbers", [(0, 1, 2**40), (9, 1, 2**40), (1, 77, 2**40)])
def test_numbers_that_mean_nothing_are_told(numbers: tuple[int, ...], jane: Visitor, runtime: Runtime) -> None:
    token = runtime.signer.token(Purpose.OWN, *numbers)
    assert jane.get(f"/own/{token}").status_code in (404, 410)


def test_after_a_day_the_link_is_over(jane: Visitor, link: Link, clock: FixedClock, runtime: Runtime) -> None:
    _ask(jane, link, "erase")
    clock.forward(timedelta(days=1, minutes=1))
    assert jane.get(link("own")).status_code == 410
    assert _people(runtime) == 1


def test_nobody_fills_an_inbox_by_it(
    jane: Visitor, link: Link, inbox: Inbox, clock: FixedClock, runtime: Runtime
) -> None:
    for number in range(6):
        for _ in range(2):  # a double click is one
            _ask(jane, link, ("data", "erase")[number % 2])
        clock.forward(timedelta(minutes=5))
    assert sum("hold about you" in one["Subject"] for one in inbox(JANE)) == MOST_A_DAY
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count()).where(Message.stream == Stream.PROVE)) == MOST_A_DAY


def test_all_that_a_page_brings_to_its_mailbox_is_counted_together(
    jane: Visitor, link: Link, inbox: Inbox, clock: FixedClock
) -> None:
    page = link("preferences")
    before = len(inbox(JANE))
    for number in range(4):
        (form,) = [one for one in forms(jane.get(page)) if "move" in one.fields]
        jane.browser.post(page, data={**form.fields, "address": f"jane{number}@new.example.com"})
        _ask(jane, link, "data")
        clock.forward(timedelta(minutes=5))
    assert len(inbox(JANE)) == before + MOST_A_DAY


def test_who_has_left_may_ask_too(jane: Visitor, link: Link, runtime: Runtime) -> None:
    jane.browser.post(link("unsubscribe"))
    _ask(jane, link, "erase")
    jane.press(link("own"))
    assert _people(runtime) == 0


def test_its_mail_is_not_shown_in_the_browser(jane: Visitor, link: Link, runtime: Runtime) -> None:
    _ask(jane, link, "data")
    with runtime.database.reading() as session:
        id = session.scalars(select(Message.id).where(Message.stream == Stream.PROVE)).one()
    assert jane.get(f"/view/{runtime.signer.token(Purpose.VIEW, id)}").status_code == 410
