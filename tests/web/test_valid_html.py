"""Every page is valid HTML by a checker that nobody here wrote: for visitors, readers, other sites and the owner.

The pages are those that axe looks at, every route besides, and the answers to forms that were filled in wrongly.
"""

import html
import re
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from newsletter.forms import Form
from newsletter.runtime import Runtime
from newsletter.subscribers import Field, FieldKind
from tests import nu
from tests.conftest import NOON
from tests.web.conftest import PAIN, Visitor, forms
from tests.web.embed.conftest import WORDPRESS
from tests.web.owner.conftest import Desk, desk, owner
from tests.web.owner.test_browser import PAGES, crowded, going_out
from tests.web.owner.test_fuzz import _rules, _sound_paths
from tests.web.test_public_browser import FOR_VISITORS, pages_of_jane

__all__ = ["crowded", "desk", "going_out", "owner"]
pytestmark = pytest.mark.real
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MAILS = ("personal.view", "owner.mail_html", "owner.article_preview")
"""Mails as mail programs get them: old ones want what the standard of pages does not know."""


class Seen(dict[str, str]):
    """Pages by their addresses."""

    def keep(self, name: str, answer: TestResponse) -> None:
        """Whatever is a page."""
        if answer.mimetype == "text/html" and answer.text:
            self[f"{name} ({answer.status_code})"] = answer.text


def _no_objection(seen: Seen, folder: Path) -> None:
    assert nu.objections(seen, folder) == []


@SQLITE
def test_what_visitors_and_readers_see(
    visitor: Visitor, runtime: Runtime, link: Callable[..., str], tmp_path: Path
) -> None:
    seen = Seen()
    for path in chain(FOR_VISITORS, pages_of_jane(visitor, runtime, link)):
        seen.keep(path, visitor.get(path))
    for rule in _rules():
        if "GET" in (rule.methods or ()) and not rule.endpoint.startswith("owner.") and rule.endpoint not in MAILS:
            for path in _sound_paths(rule, runtime):
                seen.keep(path, visitor.get(path))
    assert len(seen) > 40
    _no_objection(seen, tmp_path)


@SQLITE
def test_answers_to_what_was_filled_in_wrongly(visitor: Visitor, runtime: Runtime, tmp_path: Path) -> None:
    seen = Seen()
    with runtime.database.transaction() as session:
        session.add(Field(key="born", label="Born", kind=FieldKind.DATE, created_at=NOON))
        for form in session.scalars(select(Form)):
            form.asks_fields = ["born"]
    for path in ("/", f"/guides/{PAIN}", f"/f/{PAIN}", "/f/footer", f"/embed/{PAIN}"):
        form = forms(visitor.get(path))[0]
        assert "field_born" in form.fields
        for email in ("", "jane", "jane@gmial.com", "jane@example.com"):
            typed = {**form.fields, "email": email, "field_born": "" if email == "jane@example.com" else "31.5."}
            asked = visitor.browser.post(form.action or path, data=typed)
            seen.keep(f"{path} with “{email}”", asked)
    assert len(seen) > 15
    _no_objection(seen, tmp_path)


@SQLITE
def test_what_the_owner_sees(desk: Desk, runtime: Runtime, crowded: int, tmp_path: Path) -> None:
    seen = Seen()
    for path in PAGES:
        seen.keep(path, desk.client.get(f"/owner/{path}"))
    for rule in _rules():
        if "GET" in (rule.methods or ()) and rule.endpoint.startswith("owner.") and rule.endpoint not in MAILS:
            for path in _sound_paths(rule, runtime):
                seen.keep(path, desk.client.get(path, buffered=True))
    assert len(seen) > 80
    _no_objection(seen, tmp_path)


@SQLITE
def test_what_the_owner_filled_in_wrongly(desk: Desk, crowded: int, runtime: Runtime, tmp_path: Path) -> None:
    with runtime.database.transaction() as session:
        session.add(Field(key="born", label="Born", kind=FieldKind.DATE, created_at=NOON))
    seen, rule = Seen(), {"r.kind": "all", "r.0.kind": "before", "r.0.day": "31.5.", "r.1.kind": "field",
                          "r.1.field": "born", "r.1.how": "more", "r.1.value": "31.5.", "r.1.type": "date"}  # fmt: skip
    for path, typed in (
        ("subscribers/1/edit", {"field_born": "31.5.", "first_name": "x" * 300}), ("forms/1", {"ink": "#ffffff"}),
        ("segments/new", {"do": "save", "name": "", **rule}), ("guides/new", {}), ("articles/new", {}),
        ("fields/new", {}), ("topics", {}), ("team", {}), ("theme", {"verb": "save", "ground": "red"}),
        ("settings", {}), ("feeds", {}),
    ):  # fmt: skip
        seen.keep(path, desk.post(f"/owner/{path}", **typed))
    wrong = [name for name, page in seen.items() if 'aria-invalid="true"' in page]
    assert len(wrong) >= 8, wrong
    assert sum(page.count('value="31.5."') for page in seen.values()) == 3, "nothing typed is lost"
    _no_objection(seen, tmp_path)


def _copied(page: str) -> list[str]:
    return [html.unescape(code) for code in re.findall(r"data-copy>(.*?)</textarea>", page, re.S)]


@SQLITE
def test_what_an_owner_copies_is_valid_in_a_page(desk: Desk, tmp_path: Path) -> None:
    seen = Seen()
    for number in (1, 3):
        for place, code in enumerate(_copied(desk.get(f"/owner/forms/{number}/code"))):
            if code.startswith("<"):
                seen[f"form {number}, code {place}"] = WORDPRESS.format(widget=code, footer="", filler="Words.")
    assert len(seen) == 10
    _no_objection(seen, tmp_path)


def test_the_checker_objects_to_what_is_wrong(tmp_path: Path) -> None:
    page = '<!doctype html><html lang="en"><head><title>x</title></head><body>{}</body></html>'
    wrong = (
        '<p id="a">x</p><p id="a">y</p>', '<label for="none">x</label><input>', '<button action="/">x</button>',
        '<form><div><form></form></div></form>', '<a href="/"><button>x</button></a>', '<img src="x.png">',
        "<p><div>x</div></p>", "<ul><p>x</p></ul>", '<input type="color" required>',
    )  # fmt: skip
    told = nu.objections({body: page.format(body) for body in (*wrong, "<h1>x</h1><p>y</p>")}, tmp_path)
    assert {body for body in wrong if any(one.startswith(f"{body}: ") for one in told)} == set(wrong)
    assert not any(one.startswith("<h1>x</h1><p>y</p>: ") for one in told)
