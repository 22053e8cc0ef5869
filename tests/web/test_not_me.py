"""The pages that ask: "this was not me", and what comes with a guide."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from newsletter import journey
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, EnrollmentStatus
from newsletter.subscribers import Consent, Status, Subscriber
from tests.conftest import NOON
from tests.web.conftest import PAIN, Visitor, forms

Inbox = Callable[[str], list[EmailMessage]]
Link = Callable[..., str]
NEWEST = select(Consent).options(joinedload(Consent.wording)).order_by(Consent.id.desc())


def _count(runtime: Runtime, kind: type[Subscriber] | type[Enrollment]) -> int:
    with runtime.database.reading() as session:
        return session.scalar(select(func.count(kind.id))) or 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_not_me_changes_nothing(method: str, visitor: Visitor, link: Link, runtime: Runtime) -> None:
    visitor.subscribe()
    assert visitor.browser.open(link("not-me"), method=method).status_code == 200
    assert _count(runtime, Subscriber) == 1


def test_not_me_never_again(visitor: Visitor, link: Link, runtime: Runtime, inbox: Inbox) -> None:
    visitor.subscribe()
    url, confirm = link("not-me"), link("confirm")
    answer = visitor.press(url)
    assert answer.status_code == 200 and "No form can make us write to you again" in answer.text
    assert _count(runtime, Subscriber) == 0
    gone = visitor.get(confirm)
    assert gone.status_code == 410 and "write to us first" in gone.text, "signing up again would bring nothing"
    assert "No form can make us" in visitor.get(url).text, "the link works for ever, and may be pressed twice"
    assert visitor.subscribe(guide=PAIN).location == f"/check-your-inbox?guide={PAIN}"
    assert len(inbox("jane@example.com")) == 1


STANDS = ("new", "reader", "left", "bounced")
SAID = {
    "new": ("The sign-up and its address are then deleted.", "the address is deleted after 30 days."),
    "reader": ("What you once confirmed yourself goes on.", "close this page: nothing starts."),
    "left": ("The sign-up is then deleted, and nothing comes of it.", "Without your yes, nothing comes of it."),
    "bounced": ("The sign-up is then deleted, and nothing comes of it.", "Without your yes, nothing comes of it."),
}


@pytest.mark.parametrize("stands", STANDS)
def test_what_becomes_of_a_sign_up_is_said_as_it_is(
    stands: str, visitor: Visitor, link: Link, runtime: Runtime, person: Callable[..., int]
) -> None:
    if stands != "new":
        id = person("jane@example.com", newsletter=False)
        with runtime.database.transaction() as session:
            jane = session.get_one(Subscriber, id)
            if stands == "left":
                jane.unsubscribe(NOON)
            elif stands == "bounced":
                jane.stop_mail(Status.BOUNCED, NOON)
    visitor.subscribe()
    refused, unpressed = SAID[stands]
    assert refused in visitor.get(link("not-me")).text
    assert unpressed in visitor.get(link("confirm")).text
    with runtime.database.transaction() as session:
        reminded, _ = journey.remind_and_forget(session, runtime, NOON + timedelta(days=4))
    assert reminded == (stands == "new")
    kept = _count(runtime, Subscriber)
    visitor.press(link("not-me"))
    assert (kept, _count(runtime, Subscriber)) == (1, stands != "new")
    with runtime.database.reading() as session:
        assert session.scalars(select(Consent)).all() == []


def test_a_readers_mail_asks_before_anything_starts(jane: Visitor, link: Link, inbox: Inbox, runtime: Runtime) -> None:
    jane.press(link("preferences"), newsletter="y")
    jane.subscribe(guide=PAIN)
    assert _count(runtime, Enrollment) == 1
    text = inbox("jane@example.com")[-1].get_body(("plain",))
    assert text is not None and "None of it starts by itself" in text.get_content()
    page = jane.get(link("confirm"))
    assert "8 short e-mails on the same subject" in page.text
    (form,) = forms(page)
    assert jane.browser.post(form.action, data=form.fields).status_code == 303
    with runtime.database.reading() as session:
        statuses = session.scalars(select(Enrollment.status).order_by(Enrollment.id)).all()
        agreed = session.scalars(NEWEST).first()
    assert statuses == [EnrollmentStatus.ACTIVE, EnrollmentStatus.WAITING]
    assert agreed is not None and agreed.guide == PAIN and agreed.confirmed_at is not None


def test_the_newsletter_has_a_button_of_its_own(
    visitor: Visitor, link: Link, runtime: Runtime, person: Callable[..., int]
) -> None:
    id = person("jane@example.com", newsletter=False)
    visitor.subscribe(guide=PAIN, newsletter="y")
    page = visitor.get(link("confirm"))
    first, second = forms(page)
    assert ("newsletter" in first.fields, second.fields["newsletter"]) == (False, "y")
    visitor.browser.post(second.action, data=second.fields)
    with runtime.database.reading() as session:
        assert session.get_one(Subscriber, id).newsletter


def test_a_guide_alone_or_with_what_comes_with_it(jane: Visitor, link: Link, runtime: Runtime) -> None:
    page = jane.get(link("library"))
    assert "With it come 8 short e-mails on the same subject over the next weeks" in page.text
    assert "The guide only" in page.text
    jane.press(link("library"))
    assert _count(runtime, Enrollment) == 1, "the button without a value brings the guide alone"
    with runtime.database.reading() as session:
        agreed = session.scalars(NEWEST).first()
    assert agreed is not None
    assert (agreed.guide, agreed.form) == (PAIN, "library") and agreed.wording.words.startswith("The guide only: ")


def test_a_series_is_started_again_on_the_preferences_page(jane: Visitor, link: Link, runtime: Runtime) -> None:
    jane.press(link("preferences"), 1)
    page = jane.get(link("preferences"))
    assert "Start again" in page.text and "0 of 10 articles sent, 10 left" in page.text
    jane.press(link("preferences"), 1)
    with runtime.database.reading() as session:
        statuses = session.scalars(select(Enrollment.status).order_by(Enrollment.id)).all()
        agreed = session.scalars(NEWEST).first()
    assert statuses == [EnrollmentStatus.STOPPED, EnrollmentStatus.ACTIVE]
    assert agreed is not None and agreed.wording.words.startswith("Start again: ")


def test_an_old_link_says_that_it_is_over(visitor: Visitor, link: Link) -> None:
    visitor.subscribe()
    old = link("confirm")
    visitor.subscribe(guide=PAIN)
    visitor.press(link("confirm"))
    visitor.press(link("unsubscribe"))
    assert visitor.get(old).status_code == 410
    assert "This link is over" in visitor.get(old).text and "write to us first" in visitor.get(old).text


def test_no_stranger_s_word_goes_to_an_unproven_address(visitor: Visitor, inbox: Inbox) -> None:
    visitor.subscribe(first_name="Dearest Winner")
    (mail,) = inbox("jane@example.com")
    assert "Winner" not in mail.as_string() and mail["to"] == "jane@example.com"
