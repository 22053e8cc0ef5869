"""A form's own page, and plain HTML forms of other sites that post to it."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from newsletter import brand, forms
from newsletter.forms import Form
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, Sequence
from newsletter.smtp import SentList
from newsletter.subscribers import Consent, Subscriber, tags_of
from tests.web.conftest import FIFTY, PAIN, Visitor
from tests.web.conftest import forms as forms_of

Inbox = Callable[[str], list[EmailMessage]]
BLOG = {"Referer": "http://localhost:8026/back-pain.html?utm=1"}


def change(runtime: Runtime, slug: str, **values: object) -> None:
    """The owner has set a form so."""
    with runtime.database.transaction() as session:
        form = forms.named(session, slug)
        assert form is not None
        for name, value in values.items():
            setattr(form, name, value)


def consent(runtime: Runtime) -> Consent:
    """The one consent there is."""
    with runtime.database.reading() as session:
        return session.scalars(select(Consent).options(joinedload(Consent.wording))).one()


@pytest.mark.parametrize("slug", [PAIN, FIFTY, "footer"])
def test_every_form_has_a_page(slug: str, visitor: Visitor) -> None:
    page = visitor.get(f"/f/{slug}")
    assert page.status_code == 200 and "Set-Cookie" not in page.headers
    assert forms_of(page)[0].action == f"/f/{slug}"
    assert len({form.action for form in forms_of(page)}) == (1 if slug == "footer" else 2), "not the footer's twice"


def test_a_robots_post_alone_mails_nobody_and_a_press_on_our_page_does(
    visitor: Visitor, inbox: Inbox, runtime: Runtime, sent: SentList
) -> None:
    data = {"email": "jane@example.com", "first_name": "Jane", "newsletter": "y"}
    for _ in range(20):
        page = visitor.browser.post(f"/f/{PAIN}", data=data, headers=BLOG)
        assert page.status_code == 200 and "One more press" in page.text and "jane@example.com" in page.text
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count(Subscriber.id))) == 0
    assert sent.envelopes == []
    press = forms_of(page)[0]
    answer = visitor.browser.post(press.action, data=press.fields)
    assert answer.status_code == 200 and "Check your inbox" in answer.text
    assert len(inbox("jane@example.com")) == 1
    kept = consent(runtime)
    assert (kept.guide, kept.newsletter, kept.first_name, kept.form) == (PAIN, True, "Jane", PAIN)
    assert kept.page == "http://localhost:8026/back-pain.html", "the page it stood on, without what follows ?"
    assert kept.wording.words in page.text.replace("&#39;", "'"), "the words are kept as they were read"


def test_a_strangers_page_is_not_written_down(visitor: Visitor, runtime: Runtime) -> None:
    page = visitor.browser.post(
        f"/f/{PAIN}", data={"email": "jane@example.com", "page": "https://evil.example/<script>"},
        headers={"Referer": "https://evil.example/x"},
    )  # fmt: skip
    assert page.status_code == 200 and "evil.example" not in page.text
    press = forms_of(page)[0]
    visitor.browser.post(press.action, data=press.fields, headers={"Referer": "http://localhost/f/x"})
    assert "evil" not in consent(runtime).page


def test_errors_come_back_with_what_was_typed(visitor: Visitor, sent: SentList) -> None:
    data = {"email": "jane@", "first_name": "Jane", "newsletter": "y"}
    page = visitor.browser.post(f"/f/{PAIN}", data=data, headers=BLOG)
    assert page.status_code == 422
    form = forms_of(page)[0]
    assert (form.fields["email"], form.fields["first_name"], form.fields["newsletter"]) == ("jane@", "Jane", "y")
    assert f'id="{PAIN}-email-error"' in page.text
    answer = visitor.send(form, email="jane@example.com")
    assert answer.status_code == 303, "this page is ours: no second question"


def test_what_was_typed_elsewhere_can_be_corrected(visitor: Visitor, sent: SentList) -> None:
    data = {"email": "jnae@example.com", "first_name": "Jane", "newsletter": "y"}
    asked = visitor.browser.post(f"/f/{PAIN}", data=data, headers=BLOG)
    assert [form.action for form in forms_of(asked)] == [f"/f/{PAIN}"] * 2, "no third button for something else"
    page = visitor.browser.post(f"/f/{PAIN}", data=forms_of(asked)[1].fields)
    form = forms_of(page)[0]
    assert (form.fields["email"], form.fields["first_name"], form.fields["newsletter"]) == (*data.values(),)
    assert page.status_code == 200 and sent.envelopes == []
    assert visitor.send(form, email="jane@example.com").status_code == 303


@pytest.mark.parametrize("where", [f"/f/{PAIN}", f"/guides/{PAIN}", f"/embed/{PAIN}"])
def test_nobody_agrees_to_words_that_changed_while_the_page_was_open(
    where: str, visitor: Visitor, runtime: Runtime, sent: SentList
) -> None:
    form = forms_of(visitor.get(where))[0]
    change(runtime, PAIN, consent_words="We may ring you too.")
    typed = {**form.fields, "email": "jane@example.com", "first_name": "Jane"}
    page = visitor.browser.post(form.action, data=typed)
    assert page.status_code == 422 and "has changed since you opened the page" in page.text and sent.envelopes == []
    again = next(one for one in forms_of(page) if one.fields["email"])
    assert again.fields["first_name"] == "Jane" and "We may ring you too." in page.text
    assert visitor.send(again).status_code in (200, 303)
    assert consent(runtime).wording.words.endswith("We may ring you too.")


def test_what_a_robot_fills_in_mails_nobody_even_with_a_press(visitor: Visitor, sent: SentList) -> None:
    press = forms_of(visitor.browser.post(f"/f/{PAIN}", data={"email": "jane@example.com"}))[0]
    answer = visitor.browser.post(press.action, data={**press.fields, "website": "https://spam.example"})
    assert "Check your inbox" in answer.text and sent.envelopes == []


def test_the_footer_signs_up_for_the_newsletter_alone(
    visitor: Visitor, runtime: Runtime, inbox: Inbox, link: Callable[..., str]
) -> None:
    footer = forms_of(visitor.get("/privacy"))[-1]
    assert footer.action == "/f/footer" and "first_name" not in footer.fields
    answer = visitor.send(footer, email="jane@example.com")
    assert answer.location == "/check-your-inbox?form=footer" and visitor.get(answer.location).status_code == 200
    kept = consent(runtime)
    assert (kept.guide, kept.newsletter) == (None, True)
    assert kept.wording.words.startswith(
        "We send the Human Movement newsletter to this address. You can leave at any time. Only some topics?"
    )
    (mail,) = inbox("jane@example.com")
    assert mail["subject"] == "Please confirm your address"
    assert visitor.press(link("confirm")).status_code == 303
    with runtime.database.reading() as session:
        jane = session.scalars(select(Subscriber)).one()
        assert jane.newsletter and jane.confirmed_at is not None


def test_the_footer_starts_nothing_for_somebody_confirmed(
    visitor: Visitor, runtime: Runtime, person: Callable[..., int], inbox: Inbox
) -> None:
    person("jane@example.com", "Jane", newsletter=False)
    footer = forms_of(visitor.get("/"))[-1]
    for name in ("jane@example.com", "new@example.com"):
        answer = visitor.send(footer, email=name, first_name="Mallory")
        assert answer.location == "/check-your-inbox?form=footer"
        assert len(inbox(name)) == 1
    with runtime.database.reading() as session:
        jane = session.scalars(select(Subscriber).where(Subscriber.email == "jane@example.com")).one()
    assert (jane.first_name, jane.newsletter) == ("Jane", False), "only her own press changes that"


def test_a_form_gives_its_tags_and_series_by_the_press_and_not_before(
    visitor: Visitor, runtime: Runtime, link: Callable[..., str]
) -> None:
    with runtime.database.reading() as session:
        series = session.scalar(select(Sequence.id).where(Sequence.guide_slug == FIFTY))
    change(runtime, "footer", tags=["blog", "knee"], sequence_id=series)
    page = visitor.get("/f/footer")
    assert "and 10 short e-mails" in page.text, "the form says so before anybody agrees"
    form = forms_of(page)[0]
    visitor.send(form, email="jane@example.com")
    with runtime.database.reading() as session:
        jane = session.scalars(select(Subscriber)).one()
        assert tags_of(session, jane.id) == []
    asked = visitor.get(link("confirm"))
    assert "10 short e-mails" in asked.text
    visitor.press(link("confirm"))
    with runtime.database.reading() as session:
        assert tags_of(session, jane.id) == ["blog", "knee"]
        assert session.scalar(select(func.count(Enrollment.id))) == 1


def test_words_of_the_owner_about_consent_are_kept_with_it(visitor: Visitor, runtime: Runtime) -> None:
    change(runtime, PAIN, consent_words="We keep to the code of our profession.", offers_newsletter=False)
    visitor.subscribe(guide=PAIN, newsletter="y")
    kept = consent(runtime)
    assert kept.wording.words.endswith("at any time. We keep to the code of our profession.")
    assert not kept.newsletter, "a box that is not there cannot be ticked"


def test_a_form_leads_to_the_owners_site_and_nowhere_else(visitor: Visitor, runtime: Runtime) -> None:
    change(runtime, PAIN, after_url="https://human-movement.com/thanks")
    answer = visitor.subscribe(guide=PAIN)
    assert answer.location == f"/check-your-inbox?form={PAIN}"
    assert 'content="0; url=https://human-movement.com/thanks"' in visitor.get(answer.location).text
    with runtime.database.transaction() as session:
        brand.current(session).website = "https://another.example"
    assert "human-movement.com/thanks" not in visitor.get(answer.location).text, "the site is not the owner's any more"
    assert "http-equiv" not in visitor.get("/check-your-inbox?form=nothing").text


def test_a_closed_or_deleted_form_says_so_and_mails_nobody(visitor: Visitor, runtime: Runtime, sent: SentList) -> None:
    form = forms_of(visitor.get("/f/footer"))[0]
    data = {**form.fields, "email": "jane@example.com"}
    change(runtime, "footer", archived_at=runtime.clock.now())
    for answer in (visitor.get("/f/footer"), visitor.browser.post("/f/footer", data=data)):
        assert answer.status_code == 410 and "takes no sign-ups any more" in answer.text
    assert "/f/footer" not in visitor.get("/").text, "nor is it below our pages"
    with runtime.database.transaction() as session:
        session.delete(session.scalars(select(Form).where(Form.slug == "footer")).one())
    for answer in (visitor.get("/f/footer"), visitor.browser.post("/f/footer", data=data)):
        assert answer.status_code == 404 and "no form here" in answer.text
    assert sent.envelopes == []


def test_the_guides_pages_work_without_any_form(visitor: Visitor, runtime: Runtime, inbox: Inbox) -> None:
    with runtime.database.transaction() as session:
        for form in session.scalars(select(Form)):
            session.delete(form)
    assert visitor.get("/").status_code == 200
    assert visitor.subscribe(guide=PAIN).status_code == 303
    assert len(inbox("jane@example.com")) == 1 and consent(runtime).form_id is None


def test_deleting_a_form_keeps_what_was_agreed_to(visitor: Visitor, runtime: Runtime, link: Callable[..., str]) -> None:
    change(runtime, PAIN, tags=["gone"])
    visitor.subscribe(guide=PAIN)
    before = consent(runtime)
    with runtime.database.transaction() as session:
        session.delete(session.get_one(Form, before.form_id))
    after = consent(runtime)
    assert (after.form, after.form_id, after.wording_id) == (PAIN, None, before.wording_id)
    assert visitor.press(link("confirm")).status_code == 303, "the link in the mail still works"


@pytest.mark.parametrize("slug", ["..", "a%00b", "x" * 300, "%F0%9F%98%80", "footer'--", "a/b"])
def test_odd_names_are_not_found(slug: str, visitor: Visitor) -> None:
    assert visitor.get(f"/f/{slug}").status_code == 404
    assert visitor.browser.post(f"/f/{slug}", data={"email": "a@example.com"}).status_code in (404, 405)
