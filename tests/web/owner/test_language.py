"""The owner's area in a language that nobody speaks: whatever is not between its brackets was forgotten."""

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from typing import Any

import pytest
from sqlalchemy import select, update
from werkzeug.routing import Rule

from newsletter import brand, topics
from newsletter.campaigns import Campaign
from newsletter.clock import FixedClock
from newsletter.db import Base
from newsletter.forms import Form
from newsletter.languages import Languages
from newsletter.mailbox import Store, create
from newsletter.runtime import Runtime
from newsletter.subscribers import Field, FieldKind, retag
from newsletter.web.owner.door import OPEN_TO_ALL
from tests import pseudo
from tests.web.conftest import forms
from tests.web.owner.clerk import Clerk
from tests.web.owner.conftest import Desk
from tests.web.owner.test_pictures import sent

OURS = (
    "PDF", "JSON", "CSV", "XLSX", "ODS", "XLS", "HTML", "Atom", "WordPress", "paula@example.org", "Brevo", "Mailgun",
    "Mailjet", "Postmark", "SendGrid", "Amazon SES", "newsletter", "kB", "MB", "Newsletter",
)  # fmt: skip
"""Names, and what is the same in every language."""
CODE = re.compile(r"<(textarea|code|pre|datalist|q|kbd)\b.*?</\1>", re.S)
"""What is copied, typed or said by a server."""
MOMENT = re.compile(r"[^\s⟦⟧<>]+(?: [^\s⟦⟧<>]+)?[, ]+[^⟦⟧<>·]{3,20}?\d{4}(?:, \d\d:\d\d [A-Z]{3,4})?")
LISTS = re.compile(r"<option[^>]*>[^<⟦⟧]*</option>")
"""Of the owner's own things, or of zones; a choice of ours is between brackets."""
Look = Callable[[str], None]


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
    visitor = desk.client.application.test_client()
    (box, *_) = forms(visitor.get("/"))
    visitor.post("/subscribe", data={**box.fields, "email": "joan@example.com", "newsletter": "y"})
    desk.post("/owner/campaigns/new", article=article, audience="")
    desk.post("/owner/pictures", file=sent(), words="A field")
    desk.post("/owner/segments/new", do="save", name="Who runs", **{"r.kind": "all", "r.0.kind": "tag", "r.0.tag": "runners"})
    return desk


@pytest.fixture
def look(runtime: Runtime, code: str, made: Languages) -> Look:
    """Looks at a page: its language and direction, and that all but data is marked."""

    def looked(page: str) -> None:
        direction = "rtl" if code == pseudo.RTL else "ltr"
        assert f'<html lang="{code}" dir="{direction}">' in page
        bare = LISTS.sub("", CODE.sub("", page))
        data = [*OURS, *_data(runtime)]
        assert [one for one in (MOMENT.sub("", left) for left in pseudo.unmarked(bare, data))
                if re.search(r"[^\W\d_]{2,}", one)] == []  # fmt: skip

    return looked


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
        if rule.endpoint.startswith("owner.") and "GET" in (rule.methods or ()) and rule.endpoint not in OPEN_TO_ALL:
            yield _filled(rule)


def _filled(rule: Rule) -> str:
    path = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)
    return re.sub(r"<[^>]*>", "1", path)


@pytest.mark.parametrize("code", [pseudo.LTR, pseudo.RTL], indirect=True)
def test_every_page_of_the_area(lived_in: Desk, look: Look) -> None:
    seen = 0
    wrong: list[str] = []
    for path in _pages(lived_in):
        answer = lived_in.client.get(path, follow_redirects=True)
        if answer.mimetype == "text/html" and answer.status_code == 200:
            seen += 1
            try:
                look(answer.text)
            except AssertionError as error:
                wrong.append(f"{path} {str(error)[:3000]}")
    assert wrong == []
    assert seen > 50
