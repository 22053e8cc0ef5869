"""Leaving: by the page's button, and by the one click of a mail program (RFC 8058)."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest
from flask import Flask
from sqlalchemy import select

from newsletter import articles
from newsletter.links import Purpose
from newsletter.mail import ledger
from newsletter.mail.ledger import Lane, Message, State
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, EnrollmentStatus
from newsletter.subscribers import Status, Stream, Subscriber
from tests.web.conftest import Visitor, forms

Inbox = Callable[[str], list[EmailMessage]]
Link = Callable[..., str]
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def _status(runtime: Runtime) -> Status:
    with runtime.database.reading() as session:
        return session.scalars(select(Subscriber.status)).one()


def test_the_button_ends_everything_and_says_goodbye(jane: Visitor, link: Link, runtime: Runtime, inbox: Inbox) -> None:
    page = jane.press(link("unsubscribe"))
    assert page.status_code == 200
    assert "You are unsubscribed" in page.text and "jane@example.com" in page.text
    with runtime.database.reading() as session:
        assert session.scalars(select(Enrollment.status)).all() == [EnrollmentStatus.STOPPED]
    assert _status(runtime) is Status.UNSUBSCRIBED
    assert inbox("jane@example.com")[-1]["subject"] == "You are unsubscribed"


def test_a_double_click_says_goodbye_once(jane: Visitor, link: Link, inbox: Inbox) -> None:
    url, before = link("unsubscribe"), len(inbox("jane@example.com"))
    (form,) = forms(jane.get(url))
    pages = [jane.browser.post(url, data=form.fields) for _ in range(2)]
    assert [page.status_code for page in pages] == [200, 200]
    assert all("You are unsubscribed" in page.text for page in pages)
    assert len(inbox("jane@example.com")) == before + 1


@pytest.mark.parametrize("kind", ["multipart/form-data", "application/x-www-form-urlencoded"])
def test_one_click_needs_no_cookie_no_token_and_no_origin(
    kind: str, jane: Visitor, link: Link, app: Flask, runtime: Runtime, inbox: Inbox
) -> None:
    url, before = link("unsubscribe"), len(inbox("jane@example.com"))
    for _ in range(3):
        answer = app.test_client(use_cookies=False).post(url, data=ONE_CLICK, content_type=kind)
        assert answer.status_code == 200
        assert "Location" not in answer.headers and "Set-Cookie" not in answer.headers
    assert _status(runtime) is Status.UNSUBSCRIBED
    assert len(inbox("jane@example.com")) == before, "a machine asked: no goodbye"


def test_one_click_works_from_a_foreign_origin(jane: Visitor, link: Link, app: Flask, runtime: Runtime) -> None:
    headers = {
        "Origin": "https://mail.example",
        "Referer": "https://mail.example/inbox",
        "Sec-Fetch-Site": "cross-site",
    }
    assert app.test_client().post(link("unsubscribe"), data=ONE_CLICK, headers=headers).status_code == 200
    assert _status(runtime) is Status.UNSUBSCRIBED


def test_the_link_in_the_header_is_the_one_in_the_mail(
    runtime: Runtime, person: Callable[..., int], inbox: Inbox, visitor: Visitor
) -> None:
    id = person("jane@example.com")
    _campaign(runtime, id)
    (mail,) = inbox("jane@example.com")
    url = mail["List-Unsubscribe"].split(">")[0].removeprefix("<")
    assert visitor.browser.post(url.removeprefix(runtime.settings.site), data=ONE_CLICK).status_code == 200
    assert _status(runtime) is Status.UNSUBSCRIBED


def _campaign(runtime: Runtime, id: int, deliver: bool = True) -> None:
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        words = articles.write(session, now, title="Golf", subject="Golf", body="x").current
        ledger.queue(session, session.get_one(Subscriber, id), Stream.CAMPAIGN, "campaign:1", now, revision=words)
    if deliver:
        runtime.delivery.run(Lane.BULK)


def test_it_holds_from_the_next_claim_on(
    runtime: Runtime, person: Callable[..., int], inbox: Inbox, visitor: Visitor
) -> None:
    id = person("jane@example.com")
    _campaign(runtime, id, deliver=False)
    url = runtime.renderer.urls.unsubscribe(id, 1).removeprefix(runtime.settings.site)
    visitor.browser.post(url, data=ONE_CLICK)
    assert runtime.delivery.run(Lane.BULK) == 0
    assert inbox("jane@example.com") == []
    with runtime.database.reading() as session:
        assert session.scalars(select(Message.state)).all() == [State.CANCELLED]


@pytest.mark.parametrize("token", ["", "forged", "A" * 43, "x" * 10_000])
def test_a_forged_link_changes_nothing(token: str, jane: Visitor, runtime: Runtime) -> None:
    assert jane.browser.post(f"/unsubscribe/{token}", data=ONE_CLICK).status_code in (404, 405)
    assert _status(runtime) is Status.CONFIRMED


def test_a_link_for_something_else_does_not_unsubscribe(jane: Visitor, runtime: Runtime) -> None:
    for purpose in set(Purpose) - {Purpose.UNSUBSCRIBE}:
        token = runtime.signer.token(purpose, 1, 1)
        assert jane.browser.post(f"/unsubscribe/{token}", data=ONE_CLICK).status_code == 404
    assert _status(runtime) is Status.CONFIRMED


def test_a_link_of_somebody_erased_still_answers(visitor: Visitor, runtime: Runtime) -> None:
    url = runtime.renderer.urls.unsubscribe(404, 1).removeprefix(runtime.settings.site)
    assert visitor.get(url).status_code == 200
    assert visitor.browser.post(url, data=ONE_CLICK).status_code == 200


def test_somebody_who_never_confirmed_can_leave_too(
    runtime: Runtime, person: Callable[..., int], visitor: Visitor
) -> None:
    id = person("jane@example.com", confirmed=False)
    url = runtime.renderer.urls.unsubscribe(id, 1).removeprefix(runtime.settings.site)
    assert visitor.browser.post(url, data=ONE_CLICK).status_code == 200
    assert _status(runtime) is Status.UNSUBSCRIBED


def test_nobody_can_leave_with_the_wrong_method(jane: Visitor, link: Link, runtime: Runtime) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        assert jane.browser.open(link("unsubscribe"), method=method).status_code == 405
    assert _status(runtime) is Status.CONFIRMED
