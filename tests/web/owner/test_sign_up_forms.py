"""The owner's forms: made, edited, previewed, copied, closed, deleted, and put on a site."""

import html
import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from newsletter import brand, forms
from newsletter.forms import Form
from newsletter.guides import Guide
from newsletter.media import Picture
from newsletter.runtime import Runtime
from newsletter.sequences import Sequence
from newsletter.subscribers import Consent
from newsletter.theme import Look
from tests.web.conftest import Visitor
from tests.web.owner.conftest import Desk
from tests.web.owner.test_pictures import sent

ROW = {
    "name": "Sidebar", "headline": "Get moving", "words": "Two sentences. Of mine.", "button": "Go",
    "consent_words": "", "asks_name": "y", "ground": "#ffffff", "ink": "#111111", "accent": "#0f5f63", "after_url": "",
    "tags": "blog, knee", "sequence": "0",
}  # fmt: skip


def form(runtime: Runtime, id: int = 1) -> Form:
    """A form as it is stored."""
    with runtime.database.reading() as session:
        return session.get_one(Form, id)


def test_the_list_says_what_each_gives_and_where_it_was_seen(
    desk: Desk, runtime: Runtime, visitor: Visitor, client: FlaskClient
) -> None:
    visitor.subscribe()
    client.get("/embed/footer", headers={"Referer": "http://localhost:8026/x"})
    told = desk.read("/owner/forms")
    assert "Footer: the newsletter footer The newsletter 0 signed up localhost:8026, just now" in told
    assert "1 signed up not yet on another site" in told


def test_an_edit_holds_everywhere_at_once(desk: Desk, runtime: Runtime, visitor: Visitor) -> None:
    assert "Saved." in desk.told("/owner/forms/1", **ROW)
    kept = form(runtime)
    assert (kept.headline, kept.tags, kept.offers_newsletter, kept.asks_name) == (
        "Get moving", ["blog", "knee"], False, True)  # fmt: skip
    for path in ("/guides/recover-from-pain", "/f/recover-from-pain", "/embed/recover-from-pain"):
        page = visitor.get(path).text
        assert "Get moving" in page and ">Go</button>" in page
    assert "Two sentences. Of mine." in visitor.get("/").text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ink": "#eeeeee"}, "The text has a contrast of 1.2 : 1"),
        ({"accent": "#ffcc00"}, "The button has a contrast"),
        ({"ground": "red"}, "A colour is # and six digits"),
        ({"ground": "#ffffff;}"}, "too long"),
        ({"name": ""}, "only you see it"),
        ({"button": " "}, "A button needs a word"),
        ({"headline": "x" * 121}, "at most 120 characters"),
        ({"after_url": "https://evil.example/"}, "only to your own sites"),
        ({"after_url": "javascript:alert(1)"}, "only to your own sites"),
        ({"tags": ",".join(f"t{n}" for n in range(21))}, "At most 20 tags"),
        ({"sequence": "99999999999999999999"}, "Not a valid choice"),
        ({"sequence": "x"}, "Invalid Choice: could not coerce"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_saved_or_lost(
    changes: dict[str, str], told: str, desk: Desk, runtime: Runtime
) -> None:
    before = form(runtime)
    typed = {**ROW, "words": "Kept on the page.", **changes}
    answer = desk.post("/owner/forms/1", **typed)
    assert answer.status_code == 422
    assert told in html.unescape(answer.text) and "Kept on the page." in answer.text
    after = form(runtime)
    assert (after.words, after.ink, after.accent, after.tags) == (before.words, before.ink, before.accent, before.tags)


def test_the_preview_shows_what_is_typed_saves_nothing_and_sends_nothing(desk: Desk, runtime: Runtime) -> None:
    answer = desk.post("/owner/forms/1/preview", **{**ROW, "headline": "Only typed", "accent": "#8A3B12"})
    assert answer.status_code == 200
    assert "<h1>Only typed</h1>" in answer.text and "#8a3b12" in answer.text
    assert "form-action 'none'" in answer.headers["Content-Security-Policy"]
    assert form(runtime).headline != "Only typed"
    bad = desk.post("/owner/forms/1/preview", **{**ROW, "accent": "#ffffff"})
    assert bad.status_code == 422 and "contrast" in bad.text


def test_a_new_form_begins_in_the_colour_of_the_theme(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        brand.current(session).wear(Look(accent="#aa1122"), "", "")
    for gives in ("exercise-at-50", ""):
        desk.post("/owner/forms/new", name="Blog", gives=gives)
    with runtime.database.reading() as session:
        made = session.scalars(select(Form).order_by(Form.id.desc())).all()
        assert [one.accent for one in made[:2]] == ["#aa1122", "#aa1122"]
        assert "#aa1122" not in {one.accent for one in made[2:]}, "forms that stand somewhere keep theirs"


def test_a_new_form_for_the_newsletter_or_a_guide(desk: Desk, runtime: Runtime) -> None:
    assert "Put it on a site" in desk.told("/owner/forms/new", name="Blog, left", gives="exercise-at-50")
    made = form(runtime, 4)
    assert (made.slug, made.guide_slug, made.name) == ("blog-left", "exercise-at-50", "Blog, left")
    desk.post("/owner/forms/new", name="Blog, left", gives="")
    assert form(runtime, 5).slug == "blog-left-2" and form(runtime, 5).gives_newsletter
    assert desk.post("/owner/forms/new", name="", gives="").status_code == 422
    assert desk.post("/owner/forms/new", name="x", gives="no such guide").status_code == 422


def test_copy_archive_open_again_and_delete(desk: Desk, runtime: Runtime, visitor: Visitor) -> None:
    visitor.subscribe(guide="recover-from-pain")
    assert "This is the copy." in desk.told("/owner/forms/1/copy")
    assert "takes no sign-ups any more" in desk.told("/owner/forms/1/archive")
    assert visitor.get("/f/recover-from-pain").status_code == 410
    assert "takes sign-ups again" in desk.told("/owner/forms/1/restore")
    assert "1 of them waits to be confirmed" in desk.read("/owner/forms/1/delete")
    assert visitor.get("/f/recover-from-pain").status_code == 200, "asking deletes nothing"
    assert "is kept" in desk.told("/owner/forms/1/delete")
    with runtime.database.reading() as session:
        kept = session.scalars(select(Consent)).one()
    assert (kept.form, kept.form_id) == ("recover-from-pain", None)
    for path in ("", "/code", "/delete"):
        assert desk.client.get(f"/owner/forms/1{path}").status_code == 404
    for verb in ("copy", "archive", "delete", "preview"):
        assert desk.post(f"/owner/forms/1/{verb}").status_code == 404, "pressed in a second tab"


def test_a_series_that_a_form_starts_is_chosen_from_those_there_are(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        id = session.scalars(select(Sequence.id)).first()
    desk.post("/owner/forms/3", **{**ROW, "sequence": str(id)})
    assert form(runtime, 3).sequence_id == id
    desk.post("/owner/forms/3", **ROW)
    assert form(runtime, 3).sequence_id is None


def test_the_owners_sites_are_cleaned_and_bad_ones_are_told(desk: Desk, runtime: Runtime) -> None:
    assert "Saved." in desk.told("/owner/forms/sites", sites="https://Blog.example/a\nwww.example.org")
    with runtime.database.reading() as session:
        assert brand.current(session).sites == "https://blog.example\nhttps://www.example.org"
    answer = desk.post("/owner/forms/sites", sites="https://blog.example\njavascript:x")
    assert answer.status_code == 422 and "is no address of a site" in answer.text
    assert "javascript:x" in answer.text, "nothing typed is lost"
    assert desk.post("/owner/forms/1", **{**ROW, "after_url": "https://blog.example/thanks"}).status_code == 200


def _pieces(page: str) -> dict[str, str]:
    found = re.findall(r'id="code-(\w+)"[^>]*>(.*?)</textarea>', page, re.S)
    return {name: html.unescape(text) for name, text in found}


def test_the_code_to_copy_is_right_and_holds_no_word_as_code(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        one = session.get_one(Form, 1)
        one.headline, one.button = '<script>alert("x")</script>', '"><img src=x>'
    pieces = _pieces(desk.get("/owner/forms/1/code"))
    assert set(pieces) == {"script", "php", "frame", "plain", "json", "popup"}
    site = runtime.settings.site
    assert f'<script async src="{site}/embed/recover-from-pain.js"></script>' in pieces["script"]
    assert f'src="{site}/embed/recover-from-pain"' in pieces["frame"]
    assert f'<form action="{site}/f/recover-from-pain" method="post">' in pieces["plain"]
    for piece in pieces.values():
        assert "<script>alert" not in piece and "<img src=x" not in piece


def test_the_plain_form_that_is_copied_has_what_the_form_asks(desk: Desk, visitor: Visitor) -> None:
    pieces = _pieces(desk.get("/owner/forms/3/code"))
    assert "first_name" not in pieces["plain"] and 'name="newsletter"' not in pieces["plain"]
    assert 'name="newsletter"' in _pieces(desk.get("/owner/forms/1/code"))["plain"]


def test_the_code_of_a_form_whose_guide_is_hidden_says_that_it_does_not_work_yet(desk: Desk, runtime: Runtime) -> None:
    assert "show it on the page" not in desk.get("/owner/forms/1/code")
    with runtime.database.transaction() as session:
        session.scalars(select(Guide).where(Guide.slug == form(runtime).guide_slug)).one().hidden = True
    assert "show it on the page" in desk.get("/owner/forms/1/code")


@pytest.mark.parametrize("path", ["forms", "forms/1", "forms/1/code", "forms/1/delete"])
def test_nobody_else_sees_them(path: str, client: FlaskClient, owner: int) -> None:
    answer = client.get(f"/owner/{path}")
    assert answer.status_code == 302 and "/owner/login" in answer.location


@pytest.mark.parametrize("path", ["forms/new", "forms/sites", "forms/1", "forms/1/copy", "forms/1/delete"])
def test_and_nothing_changes_without_a_token(path: str, desk: Desk, runtime: Runtime) -> None:
    assert desk.client.post(f"/owner/{path}", data=ROW).status_code == 400
    with runtime.database.reading() as session:
        assert len(forms.every(session)) == 3


@pytest.fixture
def field_picture(desk: Desk, runtime: Runtime) -> str:
    """A picture of the library; its name."""
    desk.post("/owner/pictures", file=sent(), words="A field")
    with runtime.database.reading() as session:
        return session.scalars(select(Picture.name)).one()


def test_paula_settles_what_a_form_is_about_and_gives_it_a_picture(
    desk: Desk, runtime: Runtime, visitor: Visitor, field_picture: str
) -> None:
    own = {"fixed_topics": ["1"], "picture": field_picture, "picture_words": "A field"}
    preview = desk.post("/owner/forms/1/preview", **ROW, **own, offers_newsletter="y").text
    assert "newsletter about Rehabilitation. I can leave" in preview
    assert f"/media/{field_picture}/144.webp" in preview
    assert form(runtime).fixed_topics == []
    assert "Saved." in desk.told("/owner/forms/1", **ROW, **own)
    kept = form(runtime)
    assert (kept.fixed_topics, kept.picture, kept.picture_words) == ([1], field_picture, "A field")
    page = desk.get("/owner/forms/1")
    assert re.search(r'id="fixed-1" name="fixed_topics" value="1" checked', page)
    assert f'<option selected value="{field_picture}">A field</option>' in page
    with runtime.database.reading() as session:
        id = session.scalars(select(Picture.id)).one()
    assert "It stands in the form “Sidebar”" in desk.told(f"/owner/pictures/{id}/delete")
    desk.post("/owner/forms/1/copy")
    desk.post("/owner/forms/1/archive")
    copied = form(runtime, 4)
    assert (copied.fixed_topics, copied.picture) == ([1], field_picture)
    assert "Saved." in desk.told("/owner/forms/1", **ROW)
    assert (form(runtime).fixed_topics, form(runtime).picture) == ([], None)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"fixed_topics": ["1"], "offers_topics": "y"}, "Either people choose among the topics, or you settle them"),
        ({"fixed_topics": ["1", "99"]}, "One of these topics is not there any more"),
        ({"picture": "PICTURE", "picture_words": " "}, "Say in a few words what the picture shows"),
    ],
)
def test_what_of_its_own_cannot_be_is_told_beside_it(
    changes: dict[str, object], told: str, desk: Desk, runtime: Runtime, field_picture: str
) -> None:
    typed = {**ROW, **{name: field_picture if value == "PICTURE" else value for name, value in changes.items()}}
    answer = desk.post("/owner/forms/1", **typed)
    assert answer.status_code == 422
    assert told in html.unescape(answer.text)
    assert (form(runtime).fixed_topics, form(runtime).picture) == ([], None)


def test_paula_chooses_which_form_stands_below_articles(desk: Desk, runtime: Runtime) -> None:
    def chosen() -> tuple[bool, int | None]:
        with runtime.database.reading() as session:
            house = brand.current(session)
            return house.has_article_forms, house.article_form_id

    assert chosen() == (True, None)
    assert "It stands there from now on" in desk.told("/owner/forms/below-articles", below="2")
    assert chosen() == (True, 2)
    assert '<option selected value="2">' in desk.get("/owner/forms")
    desk.post("/owner/forms/2/archive")
    assert "that form is not there" in desk.told("/owner/forms/below-articles", below="2")
    desk.post("/owner/forms/below-articles", below="none")
    assert chosen() == (False, None)
    desk.post("/owner/forms/below-articles", below="")
    assert chosen() == (True, None)
