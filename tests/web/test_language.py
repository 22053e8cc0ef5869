"""Readers' pages in a language that nobody speaks: whatever is not between its brackets was forgotten."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from newsletter import brand, content
from newsletter.articles import Article
from newsletter.brand import Brand
from newsletter.events import Event
from newsletter.forms import Form
from newsletter.guides import Guide
from newsletter.languages import Languages
from newsletter.runtime import Runtime
from newsletter.sequences import Sequence
from newsletter.subscribers import Consent, Field, FieldKind
from newsletter.topics import Topic
from newsletter.web import cards
from newsletter.web.language import lazy
from newsletter.wordings import Wording
from tests import pseudo
from tests.web.conftest import FIFTY, Visitor, forms

JANE = "jane@example.com"
BY_FORM = "by form"
EITHER = pytest.mark.parametrize("code", [pseudo.LTR, pseudo.RTL, BY_FORM], indirect=True)
"""A reader's own pages: in the newsletter's language, or in that of the form by which they signed up."""
Link = Callable[..., str]
Seen = Callable[[TestResponse | str], None]
ZONES = re.compile(r'<option value="[A-Za-z][^"]*">[^<]*</option>')
OURS = ("PDF", "JSON", "Atom", "Human Movement")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Languages:
    """English, Esperanto and Hebrew."""
    return pseudo.languages(tmp_path_factory.mktemp("locale"))


@pytest.fixture(params=[pseudo.LTR, pseudo.RTL])
def code(request: pytest.FixtureRequest, runtime: Runtime, made: Languages) -> str:
    """What everything is in; or only the forms, and who signs up by them (`BY_FORM`)."""
    by_form, spoken = request.param == BY_FORM, pseudo.LTR if request.param == BY_FORM else str(request.param)
    runtime.languages = made
    runtime.renderer = replace(runtime.renderer, languages=made)
    with runtime.database.transaction() as session:
        session.execute(update(Form).values(language=spoken if by_form else None))
        if not by_form:
            brand.current(session).speak(spoken, made)
        session.add(Field(key="town", label="Town", kind=FieldKind.CHOICE, choices=["Oxford", "Leeds"],
                          created_at=runtime.clock.now()))  # fmt: skip
        session.execute(update(Form).values(asks_fields=["town"], offers_topics=True))
    return spoken


@pytest.fixture
def joan(code: str, jane: Visitor) -> Visitor:
    """Jane, who signed up when everything was in this language."""
    return jane


@pytest.fixture
def seen(runtime: Runtime, code: str) -> Seen:
    """Looks at a page: its language and direction, and that all but data is marked."""
    data = [*OURS, *_data(runtime), *(one.name for one in runtime.languages.all.values())]

    def look(page: TestResponse | str) -> None:
        text = page if isinstance(page, str) else page.text
        direction = "rtl" if code == pseudo.RTL else "ltr"
        assert f'<html lang="{code}" dir="{direction}">' in text
        assert pseudo.unmarked(ZONES.sub("", text), data) == []

    return look


def _data(runtime: Runtime) -> Iterator[str]:
    """What the owner and the reader have written, and what is shown as it is."""
    for file in (cards.CONTENT / "pages").glob("*.md"):
        yield content.read(file)[0]["title"]
    yield from (JANE, "Jane", "Oxford", "Leeds", "new@example.com", "bad address", "nobody", "eo", "he")
    with runtime.database.reading() as session:
        house = brand.current(session)
        yield from house.address_lines
        yield house.website.partition("//")[2]
        for kind in (Brand, Guide, Form, Article, Topic, Sequence, Field):
            for row in session.scalars(select(kind)).unique():
                yield from (value for value in vars(row).values() if isinstance(value, str))
        for article in session.scalars(select(Article)):
            yield article.current.preheader
        for guide in session.scalars(select(Guide)):
            yield guide.box_words(runtime.guides)
            said, text = content.read(cards.CONTENT / "guides" / f"{guide.slug}.md")
            yield from said.values()
            yield from (line.lstrip("#- ") for line in text.splitlines() if line.strip())


SITE = ("/", "/guides", f"/guides/{FIFTY}", "/archive", "/topics/rehabilitation", "/check-your-inbox", "/privacy",
        "/f/footer", f"/check-your-inbox?guide={FIFTY}", "/nothing-here", "/embed/footer",
        "/confirm/broken")  # fmt: skip


def test_the_site(visitor: Visitor, seen: Seen) -> None:
    for page in SITE:
        seen(visitor.get(page))


def test_what_is_typed_wrongly(visitor: Visitor, seen: Seen) -> None:
    seen(visitor.press(f"/guides/{FIFTY}", email="bad address", first_name="x" * 201, field_town="nobody", topics="99"))
    seen(visitor.press("/f/footer", email="", agreed="0" * 16))
    seen(visitor.browser.post("/f/footer", data={"email": JANE}))
    seen(visitor.browser.post("/embed/footer", data={"email": "bad address"}))
    seen(visitor.browser.post("/embed/footer", data={"email": JANE}))
    seen(visitor.browser.post("/subscribe", data={"guide": "nobody"}))
    assert visitor.browser.get("/subscribe").status_code == 405


@pytest.mark.parametrize("code", [BY_FORM], indirect=True)
def test_the_pages_of_a_form_with_a_language_of_its_own(visitor: Visitor, seen: Seen) -> None:
    for page in ("/f/footer", "/embed/footer", "/check-your-inbox?form=footer"):
        seen(visitor.get(page))
    seen(visitor.press("/f/footer", email="bad address", first_name="x" * 201, field_town="nobody", topics="99"))
    seen(visitor.press("/f/footer", email="jane@gmial.com"))
    seen(visitor.browser.post("/f/footer", data={"email": JANE}))
    seen(visitor.browser.post("/embed/footer", data={"email": "bad address"}))
    seen(visitor.browser.post("/embed/footer", data={"email": JANE}))
    assert '<html lang="en-GB"' in visitor.get("/check-your-inbox").text


@EITHER
def test_a_form_on_another_site(visitor: Visitor, code: str, runtime: Runtime) -> None:
    script = visitor.get("/embed/footer.js").text
    told = json.loads(script[script.rindex("({") + 1 : script.rindex(',"')])
    assert told["lang"] == code and told["dir"] == ("rtl" if code == pseudo.RTL else "ltr")
    told["labels"] |= {name: told[name] for name in ("consent", "newsletter") if told[name]}
    assert [words for words in told["labels"].values() if pseudo.unmarked(words, is_html=False)] == []
    answer = visitor.browser.post("/embed/footer", json={"email": "bad address"}).get_json()
    assert pseudo.unmarked(answer["errors"]["email"], is_html=False) == []
    proof = visitor.proof("/embed/footer.json")
    sent = {"email": JANE, "proof": proof, "agreed": told["agreed"]}
    done = visitor.browser.post("/embed/footer", json=sent).get_json()
    assert pseudo.unmarked(done["title"] + done["text"], is_html=False) == [] and done["state"] == "done"


@EITHER
def test_from_the_sign_up_to_the_library(visitor: Visitor, seen: Seen, link: Link, code: str) -> None:
    visitor.subscribe(JANE, first_name="Jane", newsletter="y", field_town="Oxford")
    confirm = link("confirm")
    seen(visitor.get(confirm))
    seen(visitor.get(link("not-me")))
    visitor.press(confirm)
    seen(visitor.get(confirm))
    library = link("library")
    seen(visitor.get(library))
    answer = visitor.press(library)
    seen(visitor.get(answer.location))
    seen(visitor.get(f"{library}/{FIFTY}/"))
    visitor.subscribe(JANE, newsletter="y", guide="recover-from-pain", field_town="Leeds")
    seen(visitor.get(link("confirm")))


@EITHER
def test_preferences_and_leaving(joan: Visitor, seen: Seen, link: Link) -> None:
    page = link("preferences")
    for more in ("", "?saved=1", "?back=1", "?asked=1", "?moved=1", "?sent=1"):
        seen(joan.get(page + more))
    seen(joan.press(page, zone="nobody", first_name="x" * 201, field_town="nobody"))
    for name in ("pause", "stop"):
        (form,) = [one for one in forms(joan.get(page)) if name in one.fields]
        joan.browser.post(page, data=form.fields)
        seen(joan.get(page))
    seen(joan.get(f"{page}/stop/{FIFTY}"))
    leave = link("unsubscribe")
    seen(joan.get(leave))
    seen(joan.press(leave))
    (form,) = [one for one in forms(joan.get(leave)) if one.fields.get("why") == "too-many"]
    seen(joan.browser.post(form.action, data=form.fields))
    seen(joan.get(page))


@EITHER
@pytest.mark.parametrize("what", ["data", "erase", "move"])
def test_what_needs_a_link_from_the_mailbox(joan: Visitor, seen: Seen, link: Link, what: str) -> None:
    page = link("preferences")
    (form,) = [one for one in forms(joan.get(page)) if what in one.fields]
    joan.browser.post(page, data={**form.fields, "address": "new@example.com"})
    if what == "move":
        own = link("own", JANE)
        seen(joan.get(own))
        seen(joan.get(link("own", "new@example.com")))
        seen(joan.press(own))
    elif what == "erase":
        seen(joan.get(link("own")))
        seen(joan.press(link("own")))
    else:
        seen(joan.get(link("own")))


@EITHER
def test_not_me(visitor: Visitor, seen: Seen, link: Link) -> None:
    visitor.subscribe(JANE)
    seen(visitor.press(link("not-me")))


@EITHER
def test_leaving_when_everything_else_is_broken(joan: Visitor, seen: Seen, link: Link, app: Flask) -> None:
    leave = link("unsubscribe")
    app.jinja_env.cache.clear()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(app, "jinja_loader", None)
        patched.setattr(app.jinja_env, "loader", None)
        for page in (joan.get(leave), joan.browser.post(leave)):
            assert page.status_code == 200
            seen(page)


@EITHER
def test_what_is_agreed_to_is_kept_in_the_language_in_which_it_was_read(
    joan: Visitor, link: Link, runtime: Runtime
) -> None:
    page = link("preferences")
    (form,) = [one for one in forms(joan.get(page)) if "pause" in one.fields]
    joan.browser.post(page, data=form.fields)
    with runtime.database.reading() as session:
        told = [words for by in (Consent, Event) for words in session.scalars(select(Wording.words).join(by))]
    assert len(told) >= 3
    for words in told:
        assert pseudo.unmarked(words, _data(runtime), is_html=False) == []


def test_the_owners_area_is_in_the_language_too(client: FlaskClient, code: str) -> None:
    """The rest of it: `tests/web/owner/test_language.py`."""
    direction = "rtl" if code == pseudo.RTL else "ltr"
    assert f'<html lang="{code}" dir="{direction}">' in client.get("/owner/login").text


@pytest.mark.parametrize(("chosen", "lang"), [("de", "en-GB"), ("de-AT", "en-GB"), ("en-US", "en"), ("", "en-GB")])
def test_no_english_page_calls_itself_german(visitor: Visitor, runtime: Runtime, chosen: str, lang: str) -> None:
    with runtime.database.transaction() as session:
        brand.current(session).language = chosen
    for page in (*SITE, "/owner/login", "/owner/nothing-here"):
        assert f'<html lang="{lang}" dir="ltr">' in visitor.get(page).text


def test_a_word_that_was_forgotten_is_found() -> None:
    page = '<p title="⟦Good⟧ but">⟦Good <b>⟦morning⟧</b>, Jane⟧ and <i>more</i> 12 PDF</p><script>words</script>'
    assert pseudo.unmarked(page, ["PDF"]) == ["and more 12 ·", "but"]


def test_a_sentence_that_is_looked_up_late_is_text_and_no_html(app: Flask) -> None:
    page = app.jinja_env.from_string("{{ one }}").render(one=lazy("the reader's <b>"))
    assert page == "the reader&#39;s &lt;b&gt;"
