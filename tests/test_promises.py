"""Every sentence of our own pages about the software has a test that holds it (docs/promises.md), some of them here."""

import re
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from sqlalchemy import func, select

from newsletter import articles, journey
from newsletter.journey import SignUp
from newsletter.links import Signer, Urls
from newsletter.mail import ledger
from newsletter.mail.ledger import Lane, Message
from newsletter.runtime import Runtime
from newsletter.settings import ROOT
from newsletter.subscribers import Consent, Stream, Subscriber, read_address
from newsletter.web.forms import SubscribeForm
from tests.conftest import InlineTrigger
from tests.web.conftest import Visitor, forms, link, visitor  # noqa: F401 - fixtures

PAGES = ("content/pages/privacy.md", "content/pages/cookies.md", "content/pages/terms.md")
ROW = re.compile(r"^\| (?P<sentence>.+) \| (?:`(?P<test>test_\w+)`|–) \|$")
Inbox = Callable[[str], list[EmailMessage]]


def _table() -> dict[str, list[tuple[str, str | None]]]:
    """By file: each sentence and the test that holds it."""
    found: dict[str, list[tuple[str, str | None]]] = {}
    for line in (ROOT / "docs" / "promises.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            found[line.removeprefix("## ")] = []
        elif (row := ROW.match(line)) and found:
            found[next(reversed(found))].append((row["sentence"], row["test"]))
    return found


def _sentences(name: str) -> list[str]:
    """Of one of the pages, without its front matter, headings and marks."""
    body = (ROOT / name).read_text(encoding="utf-8").split("---\n", 2)[2]
    body = re.sub(r"^\{%.*%\}$", "", body, flags=re.MULTILINE)
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", body).replace("**", "")
    lines = [line.strip().removeprefix("- ") for line in plain.splitlines()]
    said = [
        one
        for line in lines
        if line and not line.startswith("#")
        for one in re.split(r"(?<=[.!?])\s+(?=[A-Z“\"])", line)
    ]
    return [one.strip() for one in said]


def _tests() -> set[str]:
    files = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return {name for text in files for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES)
def test_every_sentence_of_a_page_stands_in_the_table_in_order(page: str) -> None:
    assert [sentence for sentence, _ in _table()[page]] == _sentences(page)


@pytest.mark.parametrize("file", [name for name in _table() if name not in PAGES])
def test_what_boxes_pages_and_mails_say_is_still_said(file: str) -> None:
    said = " ".join((ROOT / file).read_text(encoding="utf-8").split())
    assert [sentence for sentence, test in _table()[file] if sentence not in said or not test] == []


def test_every_test_that_is_named_exists() -> None:
    named = {test for rows in _table().values() for _, test in rows if test}
    assert len(named) > 30
    assert named - _tests() == set()


# Promises that no other test holds


def test_a_form_asks_for_an_address_and_a_name_alone(visitor: Visitor) -> None:  # noqa: F811
    for form in forms(visitor.get("/")):
        assert form.fields.keys() <= {"csrf_token", "guide", "email", "first_name", "newsletter", "website", "agreed"}


def test_the_box_says_how_many_articles_come_with_the_guide(
    runtime: Runtime,
    visitor: Visitor,  # noqa: F811
) -> None:
    with runtime.database.reading() as session:
        number = journey.articles_after(session, ["exercise-at-50"])["exercise-at-50"]
    assert number == 10
    assert re.search(rf"\b{number} short e-mails", visitor.get("/guides/exercise-at-50").text)
    assert SubscribeForm.newsletter is not None


def test_before_the_yes_only_the_question_is_sent(runtime: Runtime, trigger: InlineTrigger, inbox: Inbox) -> None:
    with runtime.database.transaction() as session:
        asked = SignUp(read_address("jane@example.com"), "exercise-at-50", True, "words")
        journey.subscribe(session, runtime, asked, runtime.clock.now())
    trigger.wake()
    (mail,) = inbox("jane@example.com")
    text = mail.get_body(("plain",))
    assert text is not None and "/confirm/" in text.get_content()


@pytest.fixture
def mails(runtime: Runtime, person: Callable[..., int], inbox: Inbox) -> list[EmailMessage]:
    """An article of a series and a newsletter, as Jane gets them."""
    jane = person("jane@example.com", "Jane")
    body = "Look at [this](https://elsewhere.example/page?x=1).\n"
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        words = articles.write(session, now, title="Golf", subject="Golf", body=body).current
        for stream, name in ((Stream.STEP, "step:1:1"), (Stream.CAMPAIGN, "campaign:1")):
            context = {"guide": "exercise-at-50"} if stream is Stream.STEP else {}
            ledger.queue(session, session.get_one(Subscriber, jane), stream, name, now, revision=words, context=context)
    while runtime.delivery.run(Lane.BULK):
        pass
    return inbox("jane@example.com")


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_what_can_be_left_says_how(mails: list[EmailMessage]) -> None:
    assert len(mails) == 2
    for mail in mails:
        for kind in ("plain", "html"):
            assert "/unsubscribe/" in _part(mail, kind) and "/preferences/" in _part(mail, kind)
    guide = (ROOT / "templates/email/guide/text.txt").read_text(encoding="utf-8")
    assert "preferences_url" in guide and "unsubscribe_url" in guide


def test_no_mail_holds_a_picture_that_tells_who_opened_it(mails: list[EmailMessage]) -> None:
    """The one picture, a guide's cover, is there to be seen, and has the same address for everybody."""
    for mail in mails:
        assert not re.search(r"<img|background(-image)?:\s*url|<link|srcset", _part(mail, "html"))
    for template in (ROOT / "templates" / "email").rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"url\(|<link|srcset", text), template
        for picture in re.findall(r"<img[^>]*>", text):
            assert 'src="{{ cover_url }}"' in picture and re.search('width="[0-9]{2,}"', picture), template
    urls = Urls("https://example.com", Signer(b"a" * 32))
    assert urls.cover("a-guide") == "https://example.com/guides/a-guide/pages/1.png"


def test_a_link_to_another_site_leads_there(mails: list[EmailMessage]) -> None:
    for mail in mails:
        assert 'href="https://elsewhere.example/page?x=1"' in _part(mail, "html")


def test_leaving_keeps_what_was_agreed_and_sent(runtime: Runtime, trigger: InlineTrigger) -> None:
    with runtime.database.transaction() as session:
        asked = SignUp(read_address("jane@example.com"), "exercise-at-50", True, "words")
        journey.subscribe(session, runtime, asked, runtime.clock.now())
    trigger.wake()
    with runtime.database.transaction() as session:
        jane = session.scalars(select(Subscriber)).one()
        journey.unsubscribe(session, jane, runtime.clock.now(), goodbye=False)
        assert session.scalar(select(func.count(Consent.id))) == session.scalar(select(func.count(Message.id))) == 1
