"""“Send it again” on the page behind a sign-up: the same limits and the same answer for all, and nothing in a URL."""

import re
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from newsletter.clock import FixedClock
from newsletter.forms import Form as FormRow
from newsletter.runtime import Runtime
from newsletter.subscribers import Consent, Subscriber, Suppression, SuppressionReason, address_hash
from tests.web.conftest import FIFTY, PAIN, Form, Visitor, forms
from tests.web.test_embed import people

Inbox = Callable[[str], list[EmailMessage]]
JANE = "jane@example.com"
TYPED = {"email": JANE, "first_name": "Jane", "newsletter": "y"}


def pressed(visitor: Visitor, path: str = f"/guides/{FIFTY}", **typed: str) -> TestResponse:
    """The page behind a sign-up without a script: sent, and pressed once more."""
    form = forms(visitor.get(path))[0]
    asked = visitor.browser.post(form.action, data={**form.fields, **TYPED, **typed})
    press = forms(asked)[0]
    return visitor.browser.post(press.action, data=press.fields)


def again(visitor: Visitor, page: TestResponse, **changes: str) -> TestResponse:
    """Press “Send it again” there."""
    form = forms(page)[0]
    assert form.action == "/check-your-inbox"
    return visitor.browser.post(form.action, data={**form.fields, **changes})


def notice(page: TestResponse) -> str:
    found = re.search(r'<div class="notice" role="status"><p>(.*?)</p>', page.text)
    return found[1] if found else ""


@pytest.mark.parametrize("path", [f"/guides/{FIFTY}", "/f/footer"])
def test_pressed_too_soon_it_says_when_and_a_minute_later_it_comes_again(
    path: str, visitor: Visitor, clock: FixedClock, inbox: Inbox, runtime: Runtime
) -> None:
    page = pressed(visitor, path)
    assert f'<strong class="address">{JANE}</strong>' in page.text and len(inbox(JANE)) == 1
    clock.forward(timedelta(seconds=13))
    page = again(visitor, page)
    assert (
        notice(page) == "Not yet: you can ask for it again in 47 seconds. Nothing was lost." and len(inbox(JANE)) == 1
    )
    clock.forward(timedelta(seconds=46))
    page = again(visitor, page)
    assert "in 1 second." in notice(page) and len(inbox(JANE)) == 1
    clock.forward(timedelta(seconds=1))
    page = again(visitor, page)
    assert page.status_code == 200 and notice(page).startswith("Asked for once more.") and len(inbox(JANE)) == 2
    with runtime.database.reading() as session:
        first, second = session.scalars(select(Consent).order_by(Consent.id)).all()
        assert first.wording_id == second.wording_id
    assert (first.guide, first.page, first.newsletter, first.form) == (
        second.guide, second.page, second.newsletter, second.form
    )  # fmt: skip
    assert "in 60 seconds" in notice(again(visitor, page)), "the next wait begins anew"
    assert "Set-Cookie" not in page.headers


def test_three_mails_a_day_is_all_that_it_brings(visitor: Visitor, clock: FixedClock, inbox: Inbox) -> None:
    page = pressed(visitor)
    told = set()
    for _ in range(6):
        clock.forward(timedelta(seconds=61))
        page = again(visitor, page)
        told.add(notice(page))
    assert len(inbox(JANE)) == 3 and len(told) == 1, "what a limit holds back is told to nobody"


@pytest.mark.parametrize("kind", ["new", "confirmed", "suppressed"])
def test_everybody_gets_the_same_answer(
    kind: str, visitor: Visitor, clock: FixedClock, runtime: Runtime, person: Callable[..., int]
) -> None:
    if kind == "confirmed":
        person(JANE)
    elif kind == "suppressed":
        with runtime.database.transaction() as session:
            hashed = address_hash(runtime.secrets[0], JANE)
            session.add(Suppression(address_hash=hashed, reason=SuppressionReason.OWNER, created_at=clock.now()))
    page = pressed(visitor)
    shown = [page, again(visitor, page)]
    clock.forward(timedelta(seconds=60))
    shown.append(again(visitor, page))
    stranger = "stranger@example.com"
    other = pressed(visitor, email=stranger)
    seen = [other, again(visitor, other)]
    clock.forward(timedelta(seconds=60))
    seen.append(again(visitor, other))
    for mine, theirs in zip(shown, seen, strict=True):
        assert (mine.status_code, _bare(mine, JANE)) == (theirs.status_code, _bare(theirs, stranger))


def _bare(page: TestResponse, address: str) -> str:
    """Without the address, and what is signed anew each time."""
    return re.sub(r'nonce="[^"]+"|name="(?:since|press)" value="[^"]+"', "", page.text.replace(address, "…"))


@pytest.mark.parametrize("since", ["", "forged", "x" * 5000])
def test_a_press_from_no_page_of_ours_waits_like_any_other(
    since: str, visitor: Visitor, clock: FixedClock, inbox: Inbox
) -> None:
    page = pressed(visitor)
    clock.forward(timedelta(hours=1))
    assert "in 60 seconds" in notice(again(visitor, page, since=since)) and len(inbox(JANE)) == 1


def test_what_somebody_else_brings_along_proves_nothing(
    visitor: Visitor, another: Callable[[], Visitor], clock: FixedClock, inbox: Inbox
) -> None:
    form = forms(pressed(visitor))[0]
    clock.forward(timedelta(hours=1))
    elsewhere = {"REMOTE_ADDR": "198.51.100.7"}
    theirs = another().browser.post(form.action, data=form.fields, environ_base=elsewhere)
    assert "in 60 seconds" in notice(theirs)
    since = forms(another().browser.get("/check-your-inbox", query_string={"guide": FIFTY}, environ_base=elsewhere))[0]
    clock.forward(timedelta(hours=1))
    data = form.fields | {"since": since.fields["since"]}
    theirs = another().browser.post(form.action, data=data, environ_base=elsewhere)
    assert "One more press" in theirs.text and len(inbox(JANE)) == 1, "as with any form that is sent without a proof"


def test_a_wrong_address_leads_back_to_the_form_with_the_rest(visitor: Visitor, inbox: Inbox, runtime: Runtime) -> None:
    wrong = forms(pressed(visitor))[1]
    page = visitor.browser.post(wrong.action, data=wrong.fields)
    mine: Form = next(one for one in forms(page) if one.fields.get("guide") == FIFTY)
    assert page.status_code == 200 and {name: mine.fields[name] for name in TYPED} == TYPED
    assert len(inbox(JANE)) == 1
    assert visitor.send(mine, email="janet@example.com").status_code == 303
    assert len(inbox("janet@example.com")) == 1 and people(runtime) == 2


def test_the_way_back_is_there_for_a_form_that_is_not_stored(visitor: Visitor, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        for form in session.scalars(select(FormRow).where(FormRow.guide_slug == PAIN)):
            session.delete(form)
    wrong = forms(pressed(visitor, f"/guides/{PAIN}"))[1]
    page = visitor.browser.post(wrong.action, data=wrong.fields)
    mine = next(one for one in forms(page) if one.fields.get("guide") == PAIN)
    assert mine.action == "/subscribe" and mine.fields["email"] == JANE


def test_without_what_was_typed_the_address_is_asked_for(visitor: Visitor, clock: FixedClock, inbox: Inbox) -> None:
    where = visitor.subscribe().location
    page = visitor.get(where)
    form = forms(page)[0]
    assert JANE not in where and JANE not in page.text and form.fields["email"] == ""
    clock.forward(timedelta(seconds=60))
    asked = visitor.browser.post(form.action, data=form.fields | {"email": JANE})
    assert "One more press" in asked.text
    press = forms(asked)[0]
    clock.forward(timedelta(seconds=2))
    done = visitor.browser.post(press.action, data=press.fields)
    assert JANE in done.text and len(inbox(JANE)) == 2


def test_what_is_wrong_is_told_in_the_form_and_nothing_is_lost(visitor: Visitor, inbox: Inbox) -> None:
    page = again(visitor, pressed(visitor), email="no address")
    assert page.status_code == 422 and "Something needs correcting" in page.text
    mine = forms(page)[0]
    assert (mine.fields["email"], mine.fields["first_name"]) == ("no address", "Jane") and len(inbox(JANE)) == 1


def test_a_guide_that_is_gone_is_told_in_words(visitor: Visitor, runtime: Runtime) -> None:
    assert visitor.browser.post("/check-your-inbox", data={"guide": "nothing", "email": JANE}).status_code == 400
    assert visitor.browser.post("/check-your-inbox", data={"form": "nothing"}).status_code == 400
    assert forms(visitor.get("/check-your-inbox")) == []


def test_a_reader_who_is_confirmed_stays_so(visitor: Visitor, clock: FixedClock, runtime: Runtime, inbox: Inbox,
                                            person: Callable[..., int]) -> None:  # fmt: skip
    id = person(JANE, "Jane", newsletter=False)
    page = pressed(visitor, first_name="Mallory")
    clock.forward(timedelta(seconds=61))
    again(visitor, page)
    with runtime.database.reading() as session:
        jane = session.get_one(Subscriber, id)
        assert (jane.first_name, jane.newsletter) == ("Jane", False)
    assert len(inbox(JANE)) == 2
