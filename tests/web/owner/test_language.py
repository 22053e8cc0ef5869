"""The owner's area in a language that nobody speaks: whatever is not between its brackets was forgotten."""

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.routing import Rule

from newsletter import brand, installation, topics
from newsletter.clock import FixedClock
from newsletter.db import Base
from newsletter.forms import Form
from newsletter.imports.record import STANDS
from newsletter.installation import LockReason
from newsletter.languages import Language, Languages
from newsletter.mail.ledger import Message
from newsletter.mail.render import Reader
from newsletter.mailbox import Store, create
from newsletter.runtime import Runtime
from newsletter.subscribers import Field, FieldKind, Stream, retag
from newsletter.web.owner.door import OPEN_TO_ALL
from tests import pseudo
from tests.web.conftest import Visitor, forms
from tests.web.owner.clerk import LIST, Clerk, clerk
from tests.web.owner.conftest import PASSWORD, Desk, sign_in
from tests.web.owner.test_pictures import sent

__all__ = ["clerk"]
OURS = (
    "PDF", "JSON", "CSV", "XLSX", "ODS", "XLS", "HTML", "Atom", "WordPress", "paula@example.org", "Brevo", "Mailgun",
    "Mailjet", "Postmark", "SendGrid", "Amazon SES", "Newsletter", "Werkzeug", "/topics/", "/guides/", "Ctrl",
    "content/", ".md", "Bytes", "GMT", "BST", "UTC", *STANDS.values(),
    "Not a valid choice.", *LIST.replace("\n", ",").split(","), "jane@example.com", "Robert",
)  # fmt: skip
"""Names, what is the same in every language, what WTForms says in catalogues of its own, and what a test typed."""
CODE = re.compile(
    r"<(textarea|code|pre|datalist|q|kbd)\b.*?</\1>|<div class=.differing..*?</div>|\{\{.*?\}\}|\{%.*?%\}", re.S
)
"""What is copied, typed or said by a server."""
OWN_TEXTS = ("owner.article_preview", "owner.mails", "owner.mail_html")
"""Mails as a reader gets them, which have tests of their own; the gallery calls them by their folders."""
MOMENT = re.compile(r"[^\s⟦⟧<>]+(?: [^\s⟦⟧<>]+)?[, ]+[^⟦⟧<>·]{3,20}?\d{4}(?:, \d\d:\d\d [A-Z]{3,4})?")
LISTS = re.compile(r"<option[^>]*>[^<⟦⟧]*</option>")
"""Of the owner's own things, or of zones; a choice of ours is between brackets."""
WORD = re.compile(r"[^\W\d_]{2,}")
Look = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Languages:
    """English, Esperanto and Hebrew."""
    return pseudo.languages(tmp_path_factory.mktemp("locale"))


@pytest.fixture
def code(request: pytest.FixtureRequest, runtime: Runtime, made: Languages) -> str:
    """What everything is in."""
    chosen = getattr(request, "param", pseudo.LTR)
    runtime.languages = made
    runtime.renderer = replace(runtime.renderer, languages=made)
    with runtime.database.transaction() as session:
        brand.current(session).speak(chosen, made)
    return str(chosen)


@pytest.fixture
def lived_in(code: str, desk: Desk, article: int, runtime: Runtime, person: Callable[..., int]) -> Desk:
    """Paula's browser, in a house where each kind of row is number 1."""
    jane = person("jane@example.com", "Jane")
    with runtime.database.transaction() as session:
        retag(session, jane, ["runners"])
        topics.add(session, "Nutrition", runtime.clock.now())
        session.add(Field(key="town", label="Town", kind=FieldKind.CHOICE, choices=["Oxford", "Leeds"],
                          created_at=runtime.clock.now()))  # fmt: skip
        session.execute(update(Form).values(asks_fields=["town"], offers_topics=True))
    visitor = Visitor(desk.client.application.test_client())
    (box, *_) = forms(visitor.get("/"))
    visitor.send(box, email="joan@example.com", newsletter="y")
    desk.post("/owner/campaigns/new", article=article, audience="")
    desk.post("/owner/pictures", file=sent(), words="A field")
    desk.post(
        "/owner/segments/new", do="save", name="Who runs", **{"r.kind": "all", "r.0.kind": "tag", "r.0.tag": "runners"}
    )
    return desk


@pytest.fixture
def look(runtime: Runtime, code: str, made: Languages) -> Look:
    """Looks at a page: its language and direction; and gives what is neither marked nor data."""

    def looked(page: str) -> list[str]:
        direction = "rtl" if code == pseudo.RTL else "ltr"
        assert f'<html lang="{code}" dir="{direction}">' in page
        bare = LISTS.sub("", CODE.sub("", page))
        data = [*OURS, *_data(runtime), *_days(runtime.clock.now().date(), made.named(code))]
        return [left for one in pseudo.unmarked(bare, data) if WORD.search(left := MOMENT.sub("", one))]

    return looked


def _days(today: date, language: Language) -> Iterator[str]:
    """Days around this one, as pages and charts write them."""
    for offset in range(-40, 130):
        for form in ("short", "day-month", "month-day", "table", "name"):
            yield language.day(today + timedelta(days=offset), form)


def _data(runtime: Runtime) -> Iterator[str]:
    """Every text that the database holds: what people wrote, and what is kept as it was."""
    with runtime.database.reading() as session:
        for mapper in Base.registry.mappers:
            for row in session.scalars(select(mapper.class_)).unique():
                for value in vars(row).values():
                    yield from _texts(value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and not isinstance(value, Enum):
        yield from (value, *value.splitlines(), html.escape(value))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from (*_texts(key), *_texts(one))


def _pages(desk: Desk) -> Iterator[str]:
    """Every page of the area that a browser can open, of the first row of each kind."""
    for rule in desk.client.application.url_map.iter_rules():
        is_page = rule.endpoint.startswith("owner.") and "GET" in (rule.methods or ())
        if is_page and rule.endpoint not in (*OPEN_TO_ALL, *OWN_TEXTS):
            yield _filled(rule)


def _filled(rule: Rule) -> str:
    path = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)
    return re.sub(r"<[^>]*>", "1", path)


@pytest.mark.parametrize("code", [pseudo.LTR, pseudo.RTL], indirect=True)
def test_every_page_of_the_area(lived_in: Desk, look: Look) -> None:
    seen, left = 0, {}
    for path in _pages(lived_in):
        with lived_in.client.get(path, follow_redirects=True) as answer:
            if answer.mimetype == "text/html" and answer.status_code == 200:
                seen, left[path] = seen + 1, look(answer.text)
    assert {path: words for path, words in left.items() if words} == {}
    assert seen > 50


def test_before_somebody_is_signed_in(code: str, desk: Desk, look: Look, client: FlaskClient) -> None:
    for path in ("/owner/login", "/owner/forgot", "/owner/nothing-here"):
        assert look(client.get(path).text) == []
    assert look(sign_in(client, "wrong").text) == []
    assert look(client.post("/owner/articles/new", data={"title": "T", "body": "words"}).text) == []


def test_what_is_typed_wrongly_is_told(lived_in: Desk, look: Look) -> None:
    sent_wrongly: list[tuple[str, dict[str, object]]] = [
        ("/owner/articles/new", {}), ("/owner/articles/1/edit", {"title": "T"}),
        ("/owner/topics", {"name": "Nutrition"}), ("/owner/topics/1", {"name": "", "slug": "A b"}),
        ("/owner/fields/new", {"key": "A b", "kind": "choice"}), ("/owner/fields/1", {"label": ""}),
        ("/owner/settings/brand", {"email": "x", "website": "x", "zone": "x", "series_wait_days": "99"}),
        ("/owner/settings/zone", {"zone": "nowhere"}), ("/owner/settings/password", {"old": "x", "new": "y"}),
        ("/owner/segments/new", {"do": "save", "name": "", "r.kind": "all"}),
        ("/owner/campaigns/new", {"article": "1", "audience": "", "compares": "subject", "share": "1"}),
        ("/owner/forms/1", {"name": "", "ground": "red"}), ("/owner/guides/1", {"title": ""}),
        ("/owner/series/1/steps", {"article": "1", "delay": "soon"}), ("/owner/subscribers/1/lift", {"reason": ""}),
        ("/owner/subscribers/1/erase", {}), ("/owner/subscribers/import", {}), ("/owner/pictures", {}),
    ]  # fmt: skip
    left = {path: look(lived_in.post(path, **form).text) for path, form in sent_wrongly}
    assert {path: words for path, words in left.items() if words} == {}


def test_a_campaign_on_its_way(lived_in: Desk, look: Look, runtime: Runtime, clock: FixedClock) -> None:
    page = "/owner/campaigns/1"
    assert look(lived_in.post(f"{page}/schedule", when="now", accept="y").text) == []
    clock.forward(timedelta(seconds=11))
    for verb in ("pause", "resume", "pause"):
        assert look(lived_in.post(f"{page}/{verb}").text) == []
    for path in ("", "/recipients", "/cancel"):
        assert look(lived_in.get(page + path)) == []
    assert look(lived_in.post(f"{page}/cancel").text) == []
    assert look(lived_in.post(f"{page}/resume").text) == []


def test_a_test_of_two_subjects(lived_in: Desk, look: Look, article: int) -> None:
    asked = {"compares": "subject", "ab_subject": "Other", "share": "50", "length": "4", "unit": "hours"}
    page = lived_in.post("/owner/campaigns/new", article=article, audience="", judge="hand", if_close="wait", **asked)
    assert look(page.text) == [] and look(lived_in.get(f"{page.request.path}/test")) == []


def test_an_import(code: str, clerk: Clerk, look: Look) -> None:
    brought = LIST.replace("Bo,", "Robert,")
    for step in (lambda: clerk.send(brought), lambda: clerk.to_the_check(brought), lambda: clerk.say("start")):
        step()
        assert look(clerk.desk.get(clerk.path)) == []
    assert look(clerk.desk.get("/owner/subscribers/imports")) == []


def test_sending_that_is_locked(lived_in: Desk, look: Look, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        installation.current(session).lock(LockReason.RESTORED, 0, now, now)
    assert look(lived_in.get("/owner/held")) == [] and look(lived_in.get("/owner/")) == []


def test_a_notice_is_in_the_language_too(code: str, desk: Desk, runtime: Runtime) -> None:
    desk.post("/owner/settings/password", old=PASSWORD, new="another long password", new_again="another long password")
    with runtime.database.reading() as session:
        kept = session.scalars(select(Message).where(Message.stream == Stream.NOTICE)).one()
        mail = runtime.renderer.rendered(Stream.NOTICE, brand.current(session), Reader(0), None, kept.context or {})
    assert pseudo.unmarked(pseudo.without_links(mail.subject + mail.text), _data(runtime), is_html=False) == []


@pytest.mark.parametrize("code", [pseudo.LTR, pseudo.RTL], indirect=True)
def test_the_mailbox(code: str, made: Languages, look: Look, tmp_path: Path) -> None:
    store = Store(tmp_path / "mailbox.sqlite3")
    page = create(store, made.named(code)).test_client()
    assert look(page.get("/").text) == []
    store.add("b@localhost", ["jane@example.com"], b"From: b@localhost\r\nSubject: Golf\r\n\r\nx\r\n",
              datetime(2026, 6, 1, tzinfo=UTC))  # fmt: skip
    shown = [page.get(path).text for path in ("/", "/?to=jane@example.com", "/?to=nobody@example.com", "/messages/1")]
    assert [one for text in shown for one in look(text.replace("Golf", "").replace("b@localhost", ""))
            if not one.startswith(("From", "Subject"))] == []  # fmt: skip
