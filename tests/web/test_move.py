"""Another address, by the pages: asked for, pressed at the new one, stopped from the present one."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from newsletter.runtime import Runtime
from newsletter.subscribers import AddressChange, Subscriber
from newsletter.web.own import GOES_BACK, MOVES, STAYS
from newsletter.web.preferences import MOVE, MOVING
from newsletter.wordings import Wording
from tests.conftest import FixedClock
from tests.web.conftest import Visitor, forms
from tests.web.owner.conftest import readable

Link = Callable[..., str]
Inbox = Callable[[str], list[EmailMessage]]
JANE, NEW = "jane@example.com", "jane@new.example.com"


def _ask(jane: Visitor, link: Link, to: str) -> tuple[int, str]:
    page = link("preferences")
    (form,) = [one for one in forms(jane.get(page)) if "move" in one.fields]
    answer = jane.browser.post(page, data={**form.fields, "address": to}, follow_redirects=True)
    return answer.status_code, answer.text


def _emails(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return list(session.scalars(select(Subscriber.email).order_by(Subscriber.id)))


def test_from_the_page_to_the_new_mailbox(jane: Visitor, link: Link, inbox: Inbox, runtime: Runtime) -> None:
    assert str(MOVING) in jane.get(link("preferences")).text
    status, page = _ask(jane, link, f"  {NEW} ")
    assert (status, "Look into the inbox of the new address." in page) == (200, True)
    with runtime.database.reading() as session:
        assert session.scalars(select(Wording.words).join(AddressChange)).one() == f"{MOVE}: {MOVING}"
    there = link("own", NEW)
    for method in (jane.browser.get, jane.browser.head):
        assert method(there).status_code == 200
    assert _emails(runtime)[0] == JANE, "opening it changes nothing"
    assert str(MOVES) in jane.get(there).text and "goes on where it was" in readable(jane.get(there).text)
    old_page = link("preferences")
    answer = jane.press(there)
    assert (answer.status_code, "moved=1" in (answer.location or "")) == (303, True)
    assert "We write to this address from now on." in jane.get(answer.location or "").text
    assert _emails(runtime) == [NEW]
    assert NEW in jane.get(old_page).text, "links in old mails lead to the same page"
    assert "You are unsubscribed" in jane.browser.post(link("unsubscribe")).text, "and still leave"
    assert jane.get(there).status_code == 410


def test_it_is_stopped_from_the_present_mailbox(jane: Visitor, link: Link, inbox: Inbox, runtime: Runtime) -> None:
    _ask(jane, link, NEW)
    told = inbox(JANE)[-1]
    assert told["Subject"] == "Your mails are to go to another address" and NEW not in told.as_string()
    stop = link("own")
    assert str(STAYS) in jane.get(stop).text
    assert "Your address stays as it is" in jane.press(stop).text
    assert "Your address stays as it is" in jane.press(stop).text, "pressed twice is as good as once"
    assert jane.get(link("own", NEW)).status_code == 410
    assert _emails(runtime)[0] == JANE


def test_it_is_taken_back_from_the_earlier_mailbox(
    jane: Visitor, link: Link, inbox: Inbox, runtime: Runtime, clock: FixedClock
) -> None:
    _ask(jane, link, NEW)
    inbox(JANE)
    stop, there = link("own"), link("own", NEW)
    jane.press(there)
    clock.forward(timedelta(hours=1))
    assert "Your mails go to another address now." in jane.get(stop).text and str(GOES_BACK) in jane.get(stop).text
    assert _emails(runtime) == [NEW], "opening it changes nothing"
    assert "We write to this address again" in jane.press(stop).text
    assert _emails(runtime) == [JANE]
    assert jane.get(there).status_code == 410
    assert jane.press(stop).status_code == 200


def test_a_new_mailbox_proves_nothing_for_a_day(
    jane: Visitor, link: Link, inbox: Inbox, runtime: Runtime, clock: FixedClock
) -> None:
    page = link("preferences")
    (form,) = [one for one in forms(jane.get(page)) if "data" in one.fields]
    jane.browser.post(page, data=form.fields)
    earlier = link("own")
    assert jane.get(earlier).status_code == 200
    clock.forward(timedelta(seconds=90))
    _ask(jane, link, NEW)
    jane.press(link("own", NEW))
    assert jane.get(earlier).status_code == jane.get(f"{earlier}/data.json").status_code == 410, "it is another mailbox"
    assert "Tuesday, 2 June 2026, 12:01 (Europe/London). Nothing is shown and nothing is deleted before." in readable(
        jane.get(page).text
    )
    assert not [one for one in forms(jane.get(page)) if {"data", "erase"} & one.fields.keys()]
    assert jane.browser.post(page, data=form.fields).status_code == 303
    assert [one["Subject"] for one in inbox(NEW)] == ["Shall we write to this address?"]
    clock.forward(timedelta(days=1, seconds=1))
    (form,) = [one for one in forms(jane.get(page)) if "data" in one.fields]
    jane.browser.post(page, data=form.fields)
    assert jane.get(link("own", NEW)).status_code == 200


def test_who_reads_there_already_is_told_what_becomes_of_it(
    jane: Visitor, link: Link, person: Callable[..., int], runtime: Runtime
) -> None:
    person(NEW)
    status, page = _ask(jane, link, NEW)
    assert (status, "Look into the inbox of the new address." in page) == (200, True)
    assert "We know jane@new.example.com already." in readable(jane.get(link("own", NEW)).text)
    jane.press(link("own", NEW))
    assert _emails(runtime) == [JANE, NEW]
    assert "You get no e-mails from us." in readable(jane.get(link("preferences")).text)


@pytest.mark.parametrize("typed", ["", "no address", "a@b", "\0", "x" * 300 + "@example.com", "<script>@example.com"])
def test_what_is_no_address_is_told_and_kept(typed: str, jane: Visitor, link: Link, runtime: Runtime) -> None:
    status, page = _ask(jane, link, typed)
    assert status == 422 and 'id="preferences-address-error"' in page
    assert "<script>@" not in page
    assert _emails(runtime) == [JANE]


@pytest.mark.parametrize("typed", ["JANE@example.com", "jane@example.com"])
def test_ones_own_address_gets_the_same_answer(typed: str, jane: Visitor, link: Link, inbox: Inbox) -> None:
    before = len(inbox(JANE))
    assert _ask(jane, link, typed)[0] == 200
    assert len(inbox(JANE)) == before
