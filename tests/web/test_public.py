"""The site that visitors see, and the sign-up with everything that people and robots send to it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.message import EmailMessage
from xml.etree import ElementTree

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from newsletter.articles import Article
from newsletter.clock import FixedClock
from newsletter.guides import Guide
from newsletter.mail.ledger import Message, State
from newsletter.runtime import Runtime
from newsletter.smtp import Envelope, SentList, SmtpResult, Stage
from newsletter.subscribers import (
    Consent,
    Status,
    Subscriber,
    Suppression,
    SuppressionReason,
    address_hash,
)
from tests.web.conftest import FIFTY, PAIN, Visitor, forms

Inbox = Callable[[str], list[EmailMessage]]
PAGES = ["/", f"/guides/{FIFTY}", f"/guides/{PAIN}", "/check-your-inbox", f"/check-your-inbox?guide={FIFTY}",
         "/guides", "/archive", "/privacy", "/cookies", "/terms"]  # fmt: skip


def _count(runtime: Runtime, table: type[Subscriber] | type[Consent] | type[Message]) -> int:
    with runtime.database.reading() as session:
        return session.scalar(select(func.count(table.id))) or 0


@pytest.mark.parametrize("path", PAGES)
def test_every_page_shows_without_a_cookie(path: str, visitor: Visitor) -> None:
    page = visitor.get(path)
    assert page.status_code == 200
    assert "Human Movement" in page.text and "30 Cannon Street" in page.text
    assert "Set-Cookie" not in page.headers
    assert visitor.browser.head(path).status_code == 200


def test_home_has_both_boxes_with_the_files_own_page_counts(visitor: Visitor) -> None:
    page = visitor.get("/")
    assert [form.action for form in forms(page)] == ["/subscribe", "/subscribe", "/f/footer"]
    assert "with our FREE 21 page guide." in page.text
    assert "receive our 45 page guide FREE." in page.text
    assert "newsletter" not in forms(page)[0].fields, "the box is unticked"


def test_a_cover_is_a_picture_and_pages_that_are_not_samples_are_not_shown(visitor: Visitor) -> None:
    cover = visitor.get(f"/guides/{FIFTY}/pages/1.png")
    assert (cover.status_code, cover.mimetype, cover.data[:4]) == (200, "image/png", b"\x89PNG")
    for page in ("2", "0", "46"):
        assert visitor.get(f"/guides/{FIFTY}/pages/{page}.png").location == f"/guides/{FIFTY}"
    assert visitor.get(f"/guides/{FIFTY}/pages/99999999999999999999.png").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/guides/exercise-at-50.pdf", f"/static/guides/{FIFTY}.pdf", "/static/../site.toml", "/static/css/../../site.toml",
     "/static/css/..%2f..%2fguides/exercise-at-50.pdf", "/static/css/", "/static/css", "/static/"],
)  # fmt: skip
def test_nothing_but_styles_and_scripts_is_served_from_the_folder(path: str, visitor: Visitor) -> None:
    assert visitor.get(path).status_code == 404


def test_styles_and_scripts_are(visitor: Visitor) -> None:
    assert visitor.get("/static/css/site.css").mimetype == "text/css"
    assert visitor.get("/static/js/site.js").status_code == 200


def test_only_what_is_published_and_due_is_in_the_archive_and_the_feed(runtime: Runtime, visitor: Visitor) -> None:
    with runtime.database.transaction() as session:
        session.execute(update(Article).values(published_at=None))
        golf, later = session.scalars(select(Article).order_by(Article.id).limit(2))
        golf.publish(runtime.clock.now() - timedelta(days=1))
        later.publish(runtime.clock.now() + timedelta(days=1))
    assert golf.title in visitor.get("/archive").text
    assert later.title not in visitor.get("/archive").text
    assert visitor.get(f"/archive/{golf.slug}").status_code == 200
    assert visitor.get(f"/archive/{later.slug}").status_code == 404
    feed = ElementTree.fromstring(visitor.get("/feed.xml").data)
    assert [entry.findtext("{*}title") for entry in feed.findall("{*}entry")] == [golf.title]


def test_a_sign_up_leads_to_the_inbox_page_and_brings_a_confirmation(visitor: Visitor, inbox: Inbox) -> None:
    answer = visitor.subscribe(first_name="Jane", newsletter="y")
    assert (answer.status_code, answer.location) == (303, f"/check-your-inbox?guide={FIFTY}")
    (mail,) = inbox("jane@example.com")
    assert mail["subject"] == "Your guide is ready: please confirm"
    assert "Jane" not in str(mail), "the address is not proven: anybody may have typed that name"


@pytest.mark.parametrize("referrer", ["http://[", "http://[::1", "http://x]/", "//\u2100.example/", "x" * 9000, ""])
def test_a_page_that_nobody_can_read_the_name_of_keeps_no_sign_up_out(referrer: str, visitor: Visitor) -> None:
    form = forms(visitor.get("/"))[0]
    typed = {**form.fields, "email": "jane@example.com", "proof": visitor.proof(form.challenge)}
    headers = {"Referer": referrer.encode().decode("latin-1")}
    assert visitor.browser.post("/subscribe", data=typed, headers=headers).status_code == 303


def test_the_consent_is_kept_word_for_word(visitor: Visitor, runtime: Runtime) -> None:
    visitor.subscribe(newsletter="y")
    with runtime.database.reading() as session:
        consent = session.scalars(select(Consent)).one()
        read = consent.wording.words
    assert read.startswith("We send the guide to this address, and 10 short e-mails")
    assert read.endswith("Yes, please also send me the Human Movement newsletter. I can leave at any time.")
    assert (consent.newsletter, consent.form, consent.ip) == (True, FIFTY, "127.0.0.1")


def test_an_empty_box_is_no_consent_to_the_newsletter(visitor: Visitor, runtime: Runtime) -> None:
    visitor.subscribe()
    with runtime.database.reading() as session:
        consent = session.scalars(select(Consent)).one()
        assert not consent.newsletter and "newsletter" not in consent.wording.words


def test_a_double_click_sends_one_mail(visitor: Visitor, inbox: Inbox) -> None:
    form = forms(visitor.get("/"))[0]
    data = {**form.fields, "email": "jane@example.com", "proof": visitor.proof(form.challenge)}
    answers = [visitor.browser.post(form.action, data=data) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(inbox("jane@example.com")) == 1


@pytest.mark.both_databases
def test_a_real_double_click_in_two_threads_sends_one_mail(
    app: Flask, visitor: Visitor, runtime: Runtime, clock: FixedClock
) -> None:
    form = forms(visitor.get("/"))[0]
    data = {**form.fields, "email": "jane@example.com", "proof": visitor.proof(form.challenge)}

    def click(_: int) -> int:
        return app.test_client().post(form.action, data=data).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(click, range(4))) == {303}
    assert (_count(runtime, Subscriber), _count(runtime, Consent), _count(runtime, Message)) == (1, 1, 1)


BAD = ["", "jane", "jane@example", "jane@@example.com", "jane@example.com\r\nBcc: bob@example.com", "j\x00@example.com",
       "jane@exa mple.com", "x" * 10_000, "x" * 10_000 + "@example.com", "jane@" + "x" * 10_000 + ".com",
       "<script>alert(1)</script>@example.com", "{{7*7}}@", "\ud7ff\uffff@"]  # fmt: skip


@pytest.mark.parametrize("email", BAD)
def test_a_bad_address_is_told_beside_its_field_and_nothing_is_stored(
    email: str, visitor: Visitor, runtime: Runtime, sent: SentList
) -> None:
    answer = visitor.subscribe(email, first_name="Jane", newsletter="y")
    assert answer.status_code == 422
    assert 'id="exercise-at-50-email-error"' in answer.text and 'aria-invalid="true"' in answer.text
    assert "<script>alert" not in answer.text
    mine = next(form for form in forms(answer) if form.fields["guide"] == FIFTY)
    assert (mine.fields["first_name"], mine.fields["newsletter"]) == ("Jane", "y")
    assert (_count(runtime, Subscriber), sent.envelopes) == (0, [])


def test_a_name_of_ten_thousand_letters_is_told(visitor: Visitor, runtime: Runtime) -> None:
    answer = visitor.subscribe(first_name="x" * 10_000)
    assert answer.status_code == 422
    assert "This name is too long" in answer.text
    assert _count(runtime, Subscriber) == 0


@pytest.mark.parametrize("guide", ["", "no-such-guide", "x" * 10_000, "' OR 1=1 --", "../etc/passwd"])
def test_a_guide_that_is_not_there_is_told(guide: str, visitor: Visitor, runtime: Runtime) -> None:
    form = forms(visitor.get("/"))[0]
    answer = visitor.browser.post("/subscribe", data={**form.fields, "email": "jane@example.com", "guide": guide})
    assert answer.status_code == 400
    assert "Please choose one of the guides" in answer.text
    assert _count(runtime, Subscriber) == 0


@pytest.mark.parametrize("path", ["/guides/%00", "/archive/%00", "/check-your-inbox?guide=%00", "/guides/%f0%9f%99%82"])
def test_bytes_that_no_address_holds_are_no_page_and_no_crash(path: str, visitor: Visitor) -> None:
    assert visitor.get(path).status_code in (200, 404)


def test_a_guide_without_a_topic_has_no_dot_before_its_facts(visitor: Visitor, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        session.execute(update(Guide).where(Guide.slug == PAIN).values(topic=""))
    page = visitor.get(f"/guides/{PAIN}").get_data(as_text=True)
    assert '<p class="eyebrow">Free guide, 21 pages</p>' in page


def test_a_zero_byte_in_the_guide_is_told(visitor: Visitor) -> None:
    form = forms(visitor.get("/"))[0]
    data = {**form.fields, "email": "jane@example.com", "guide": "\x00"}
    assert visitor.browser.post("/subscribe", data=data).status_code == 400


def test_more_than_any_form_needs_is_refused(visitor: Visitor, runtime: Runtime) -> None:
    answer = visitor.browser.post("/subscribe", data={"email": "x" * 3_000_000})
    assert answer.status_code == 413
    assert "larger than any form of ours needs" in answer.text


def test_a_body_that_is_no_form_is_told(visitor: Visitor) -> None:
    answer = visitor.browser.post("/subscribe", data=b"\xff\xfe{", content_type="application/json")
    assert answer.status_code == 400


def test_a_robot_that_fills_in_everything_is_thanked_and_forgotten(visitor: Visitor, runtime: Runtime) -> None:
    answer = visitor.subscribe(website="https://spam.example")
    assert (answer.status_code, answer.location) == (303, f"/check-your-inbox?guide={FIFTY}")
    assert _count(runtime, Subscriber) == 0


KNOWN = ["new", "suppressed", *Status]


@pytest.mark.parametrize("known", KNOWN)
def test_the_answer_tells_nobody_who_is_known(
    known: str, visitor: Visitor, runtime: Runtime, person: Callable[..., int]
) -> None:
    if known == "suppressed":
        with runtime.database.transaction() as session:
            hashed = address_hash(runtime.secrets[0], "jane@example.com")
            session.add(
                Suppression(address_hash=hashed, reason=SuppressionReason.OWNER, created_at=runtime.clock.now())
            )
    elif known != "new":
        id = person("jane@example.com")
        with runtime.database.transaction() as session:
            session.get_one(Subscriber, id).status = Status(known)
    answer = visitor.subscribe(newsletter="y")
    assert (answer.status_code, answer.location) == (303, f"/check-your-inbox?guide={FIFTY}")
    assert answer.text == visitor.subscribe("somebody-new@example.com").text
    assert set(answer.headers.keys()) == set(visitor.subscribe("another-new@example.com").headers.keys())


@pytest.mark.parametrize(
    "name",
    ["=?utf-8?", "<script>alert(1)</script>", "Jane {{7*7}}", "Jane\r\nBcc: bob@example.com", "Zoë 李", "x" * 200],
)
def test_a_hostile_name_harms_no_mail_and_no_page(
    name: str, visitor: Visitor, inbox: Inbox, link: Callable[..., str]
) -> None:
    assert visitor.subscribe(first_name=name).status_code == 303
    assert visitor.press(link("confirm")).status_code == 303
    for mail in inbox("jane@example.com"):
        assert len(mail.get_all("to") or []) == 1 and "bcc" not in mail
        html = mail.get_body(("html",))
        assert html is not None and "<script" not in html.get_content() and "49" not in str(mail["to"])
    for kind in ("library", "preferences"):
        assert "<script>alert" not in visitor.get(link(kind)).text
    assert ('value="Jane {{7*7}}"' in visitor.get(link("preferences")).text) == (name == "Jane {{7*7}}")


def test_with_the_mail_server_down_the_page_answers_and_the_mail_goes_later(
    visitor: Visitor, runtime: Runtime, clock: FixedClock
) -> None:
    runtime.transport = SentList(
        lambda one: SmtpResult(one.key, Stage.RELAY, 0, "", "refused", "mx.example:25", "connect")
    )
    assert visitor.subscribe().status_code == 303
    with runtime.database.reading() as session:
        assert session.scalars(select(Message.state)).all() == [State.READY]
    back = runtime.transport = SentList()
    clock.forward(timedelta(seconds=10))
    visitor.subscribe("bob@example.com")
    assert [one.recipient for one in back.envelopes] == ["jane@example.com", "bob@example.com"]


def test_an_address_that_is_refused_is_not_told_to_the_page(visitor: Visitor, runtime: Runtime) -> None:
    def refuse(one: Envelope) -> SmtpResult:
        return SmtpResult(one.key, Stage.REJECTED, 550, "5.1.1", "5.1.1 no such user", "mx.example:25", "RCPT")

    runtime.transport = SentList(refuse)
    assert visitor.subscribe().status_code == 303
    assert visitor.subscribe(guide=PAIN).status_code == 303
    with runtime.database.reading() as session:
        assert session.scalars(select(Subscriber.status)).all() == [Status.BOUNCED]


def test_a_guide_that_lost_its_file_meanwhile_loses_no_sign_up(visitor: Visitor, runtime: Runtime) -> None:
    form = forms(visitor.get("/"))[0]
    with runtime.database.transaction() as session:
        session.execute(update(Guide).where(Guide.slug == PAIN).values(slug="gone"))
    del form.fields["agreed"]  # another name has no series, so other words
    page = visitor.send(form, email="jane@example.com", guide="gone")
    press = forms(page)[0]  # the proof was for the form of the guide's old name
    assert visitor.browser.post(press.action, data=press.fields).status_code == 303
    assert _count(runtime, Subscriber) == 1
