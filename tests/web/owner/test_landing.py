"""A guide's own page, put together by Paula: parts, order, previews, hostile words, two windows."""

import html
import json
import re
from collections.abc import Callable
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from newsletter.guides import Guide, LandingPage
from newsletter.media import Picture
from newsletter.runtime import Runtime
from newsletter.web.landing import written
from newsletter.web.owner.landing import HEAVIEST
from tests.web.owner.conftest import Desk, readable

PAIN = "recover-from-pain"
TEXT = {"b.0.kind": "text", "b.0.text": "Some **words**."}
FULL = MultiDict([
    ("lead", "Move again."), ("for_whom", "People over 40"), ("minutes", "25"),
    ("b.0.kind", "outcomes"), ("b.0.lines", "Sleep better\r\n\r\nLift <b>more</b>"),
    ("b.1.kind", "samples"), ("b.1.heading", "Look"), ("b.1.pages", "5"), ("b.1.pages", "13"),
    ("b.2.kind", "author"), ("b.2.text", "Paul, *a coach*."),
    ("b.3.kind", "questions"), ("b.3.question", "Is it free?"), ("b.3.answer", "Yes. [Really](https://example.com)."),
    ("b.3.question", ""), ("b.3.answer", ""),
    ("b.4.kind", "quote"), ("b.4.text", "It helped."), ("b.4.who", "Jane"),
    ("b.5.kind", "text"), ("b.5.text", "## More\n\nFrom {{ brand.name }}."),
    ("b.6.kind", "form"), ("b.7.kind", "link"),
])  # fmt: skip


class Editor:
    """The page on which Paula puts another page together."""

    def __init__(self, desk: Desk, id: int) -> None:
        self.desk, self.path = desk, f"/owner/guides/{id}/page"

    @property
    def stamp(self) -> str:
        """What an editor that is opened now begins from."""
        found = re.search(r'name="landing" value="([^"]*)"', self.desk.get(self.path))
        assert found is not None
        return found[1]

    def press(self, do: str, typed: "MultiDict[str, str] | dict[str, str]", **more: str) -> str:
        """Send the form by one of its buttons; the HTML that follows."""
        self.desk.post("/owner/settings/zone", zone="Europe/London")  # which finds the token
        form = MultiDict(typed)
        form.update({"csrf_token": self.desk.token, "do": do, "landing": self.stamp} | more)
        if "landing" in more:
            form.setlist("landing", [more["landing"]])
        return self.desk.client.post(self.path, data=form, follow_redirects=True).text


@pytest.fixture
def editor(desk: Desk, guide_id: int) -> Editor:
    return Editor(desk, guide_id)


def fields(page: str) -> "MultiDict[str, str]":
    """What the form of the editor would send, as a browser reads it."""
    found: MultiDict[str, str] = MultiDict()
    pattern = r'<(input|textarea)([^>]*?)name="(b\.[^"]+|lead|for_whom|minutes)"([^>]*)>(?:\n([^<]*)</textarea>)?'
    for tag, before, name, after, text in re.findall(pattern, page):
        attributes = before + after
        if 'type="checkbox"' in attributes and "checked" not in attributes:
            continue
        value = re.search(r'value="([^"]*)"', attributes)
        found.add(name, html.unescape(text if tag == "textarea" else value[1] if value else ""))
    return found


def stored(runtime: Runtime, slug: str = PAIN) -> LandingPage | None:
    with runtime.database.reading() as session:
        return session.scalars(select(Guide).where(Guide.slug == slug)).one().landing_page


def test_saving_what_is_there_changes_nothing_that_visitors_see(
    editor: Editor, runtime: Runtime, client: FlaskClient
) -> None:
    def seen() -> str:
        return re.sub(r'(?:value|nonce)="[^"]*"', "", client.get(f"/guides/{PAIN}").text)

    before, page = seen(), editor.desk.get(editor.path)
    assert "content/guides/recover-from-pain.md" in readable(page)
    assert "Saved." in editor.press("save", fields(page))
    assert seen() == before
    assert stored(runtime) == written(PAIN)
    assert "content/guides" not in readable(editor.desk.get(editor.path))


def test_a_page_of_every_part_is_shown_in_its_order(editor: Editor, client: FlaskClient) -> None:
    assert "Saved." in editor.press("save", FULL)
    page = client.get(f"/guides/{PAIN}").text
    assert "<b>more" not in page and "Lift &lt;b&gt;more&lt;/b&gt;" in page
    order = ["What you will get out of it", "Sleep better", ">Look</h2>", "/pages/5.png", "/pages/13.png",
             "Who wrote it", "<em>a coach</em>", "<summary>Is it free?</summary>", 'href="https://example.com"',
             "It helped.", "Jane", "<h2>More</h2>", "From Human Movement.", 'id="recover-from-pain-7-form"',
             'href="#get"']  # fmt: skip
    places = [page.index(one) for one in order]
    assert places == sorted(places)
    assert readable(page[page.index("<main") :]).count("Move again.") == 1
    assert page.count(f"/embed/{PAIN}/seen") == 1  # of two forms on a page one tells that it was seen
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert client.get(f"/guides/{PAIN}/pages/13.png").status_code == 200
    assert client.get(f"/guides/{PAIN}/pages/15.png").status_code == 302  # of the earlier page


def test_search_engines_are_told_of_the_guide_and_its_questions(editor: Editor, client: FlaskClient) -> None:
    editor.press("save", FULL)
    told = re.findall(r'<script type="application/ld\+json"[^>]*>(.*?)</script>', client.get(f"/guides/{PAIN}").text)
    book, questions = (json.loads(one) for one in told)
    assert (book["@type"], book["numberOfPages"], book["isAccessibleForFree"]) == ("Book", 21, True)
    (asked,) = questions["mainEntity"]
    assert asked["name"] == "Is it free?" and "Really</a>" in asked["acceptedAnswer"]["text"]


def test_parts_are_moved_taken_out_and_put_back_without_a_script(editor: Editor, runtime: Runtime) -> None:
    page = editor.press("add", {**TEXT, "add": "quote"})
    assert fields(page).getlist("b.1.kind") == ["quote"]
    page = editor.press("up:1", MultiDict({**fields(page), "b.1.text": "It helped."}))
    assert (fields(page)["b.0.kind"], fields(page)["b.1.text"]) == ("quote", "Some **words**.")
    page = editor.press("remove:1", fields(page))
    assert "taken out" in readable(page) and fields(page)["b.1.text"] == "Some **words**."
    assert fields(editor.press("restore:1", fields(page))).get("b.1.gone") is None
    page = editor.press("down:0", fields(page))
    assert fields(page)["b.1.kind"] == "quote"
    page = editor.press("ask:2", MultiDict({**fields(page), "b.2.kind": "questions"}))
    assert len(fields(page).getlist("b.2.question")) == 1
    for nothing in ("up:99", "down:99", "remove:x", "add", "nonsense", ""):
        assert fields(editor.press(nothing, fields(page)))["b.1.kind"] == "quote"
    assert stored(runtime) is None
    page = editor.press("remove:2", fields(page))
    assert "Saved." in editor.press("save", fields(page))
    assert [one.kind.value for one in (stored(runtime) or LandingPage()).blocks] == ["quote"]


def test_a_guide_without_a_page_begins_with_the_usual_parts(editor: Editor, runtime: Runtime, desk: Desk) -> None:
    page = editor.press("usual", {})
    kinds = [fields(page)[f"b.{number}.kind"] for number in range(5)]
    assert kinds == ["outcomes", "samples", "author", "questions", "form"]
    told = readable(editor.press("save", fields(page)))
    for word in ("Not saved yet", "at least one line", "at least one page", "Write something here",
                 "Ask and answer something"):  # fmt: skip
        assert word in told
    assert stored(runtime) is None


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"kind": "text", "text": "{{ 7*7 }}"}, "7*7"),
        ({"kind": "text", "text": "{{ brand.author.__class__ }}"}, "brand.author"),
        ({"kind": "text", "text": "::: card\nnever closed"}, "its end is missing"),
        ({"kind": "text", "text": "x" * 20_001}, "20,000 characters are the most here"),
        ({"kind": "outcomes", "lines": "\n".join("abcdefghijklm")}, "12 lines are the most"),
        ({"kind": "outcomes", "lines": "x" * 301}, "300 characters at most"),
        ({"kind": "samples", "pages": "999"}, "The guide has 21 pages"),
        ({"kind": "samples", "pages": "²"}, "at least one page"),
        ({"kind": "picture", "picture": "gone.png"}, "not there any more"),
        ({"kind": "picture"}, "Choose a picture"),
        ({"kind": "questions", "question": "Why?"}, "Answer it"),
        ({"kind": "questions", "answer": "So."}, "Say what is asked"),
        ({"kind": "quote", "text": "x", "who": "y" * 121}, "120 characters are the most"),
    ],
)
def test_what_cannot_stand_there_is_said_and_nothing_is_lost(
    editor: Editor, runtime: Runtime, part: dict[str, str], told: str
) -> None:
    typed = MultiDict({**TEXT, **{f"b.1.{name}": value for name, value in part.items()}})
    page = editor.press("save", typed)
    assert told in readable(page) and "field-error" in page
    assert "what you typed is still here" in readable(page)
    for name, value in typed.items():
        if "picture" not in name and "pages" not in name:
            assert value in fields(page).getlist(name)
    assert stored(runtime) is None


def test_hostile_words_are_words(editor: Editor, client: FlaskClient) -> None:
    evil = "<script>alert(1)</script> {{7*7}} " + "W" * 10_000
    typed = {
        "lead": "<script>alert(2)</script>{{7*7}}", "b.0.kind": "quote", "b.0.text": evil, "b.0.who": "<i>{{7*7}}</i>",
        "b.1.kind": "outcomes", "b.1.lines": '"><img src=x onerror=alert(1)>', "b.2.kind": "text",
        "b.2.text": "<script>alert(3)</script> [x](javascript:alert(4))", "b.3.kind": "nonsense", "b.4.kind": "form",
    }  # fmt: skip
    assert "Saved." in editor.press("save", typed)
    page = client.get(f"/guides/{PAIN}").text
    assert page.count("<script") == client.get("/").text.count("<script") + 1  # what search engines read
    assert "<img src=x" not in page
    main = readable(page[page.index("<main") : page.index("</main")])
    assert main.count("{{7*7}}") == 3  # the lead, the quotation, and who said it
    assert 'href="javascript' not in page


def test_a_hundred_parts_and_a_heavy_page_are_too_many(editor: Editor, runtime: Runtime) -> None:
    hundred = {f"b.{number}.{name}": value for number in range(100) for name, value in
               (("kind", "text"), ("text", f"Part {number}"))}  # fmt: skip
    page = editor.press("save", hundred)
    assert "24 parts at most, and these are 100" in readable(page)
    assert fields(page)["b.99.text"] == "Part 99"
    heavy = {f"b.{number}.{name}": value for number in range(8) for name, value in
             (("kind", "text"), ("text", "& " * 9_000))}  # fmt: skip
    assert "The texts of this page weigh" in readable(editor.press("save", heavy))
    assert 8 * 9_000 * len("&amp; ") > HEAVIEST
    assert stored(runtime) is None


def test_the_second_of_two_windows_is_told_and_loses_nothing(editor: Editor, runtime: Runtime) -> None:
    opened = editor.stamp
    assert "Saved." in editor.press("save", {"b.0.kind": "text", "b.0.text": "Of the first window."}, landing=opened)
    page = editor.press("save", TEXT, landing=opened)
    told = readable(page)
    assert "saved in another window" in told and "Of the first window." in told
    assert fields(page)["b.0.text"] == "Some **words**."
    assert (stored(runtime) or LandingPage()).blocks[0].text == "Of the first window."
    assert "Saved." in editor.press("save", fields(page))
    assert (stored(runtime) or LandingPage()).blocks[0].text == "Some **words**."


def test_a_picture_that_is_gone_leaves_a_page_without_it(
    editor: Editor, desk: Desk, runtime: Runtime, client: FlaskClient
) -> None:
    out = BytesIO()
    Image.new("RGB", (60, 40), "#123456").save(out, "PNG")
    out.seek(0)
    desk.post("/owner/pictures", file=(out, "me.png"), words="Paul at work")
    with runtime.database.reading() as session:
        picture = session.scalars(select(Picture)).one()
    typed = {"b.0.kind": "picture", "b.0.picture": picture.name, "b.1.kind": "author", "b.1.text": "Paul.",
             "b.1.picture": picture.name}  # fmt: skip
    assert "Saved." in editor.press("save", typed)
    assert client.get(f"/guides/{PAIN}").text.count('alt="Paul at work"') == 2
    assert "take it out there first" in desk.told(f"/owner/pictures/{picture.id}/delete")
    with runtime.database.transaction() as session:
        session.delete(session.get_one(Picture, picture.id))
    page = client.get(f"/guides/{PAIN}")
    assert page.status_code == 200 and picture.name not in page.text and "Paul." in page.text
    assert "not there any more" in readable(editor.press("save", fields(desk.get(editor.path)) | {
        "b.0.picture": picture.name, "b.1.picture": picture.name}))  # fmt: skip


def test_the_preview_shows_what_is_typed_and_saves_nothing(editor: Editor, desk: Desk, runtime: Runtime) -> None:
    desk.post("/owner/settings/zone", zone="Europe/London")
    typed = MultiDict(FULL)
    typed.update({"csrf_token": desk.token, "b.8.kind": "quote", "b.9.kind": "text", "b.9.text": "{{ 7*7 }}"})
    answer = desk.client.post(f"{editor.path}/preview", data=typed)
    assert answer.status_code == 200
    assert "Sleep better" in answer.text and "It helped." in answer.text and "<script" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "font-src 'self'" in policy and "/css/face.css" in answer.text  # it looks as the page will
    assert "form-action 'none'" in policy and "sandbox allow-same-origin" in policy and "script-src" not in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert stored(runtime) is None


def test_thumbnails_are_its_owners(editor: Editor, desk: Desk, client: FlaskClient, guide_id: int) -> None:
    path = f"/owner/guides/{guide_id}/pages"
    assert desk.client.get(f"{path}/21.png").mimetype == "image/png"
    assert desk.client.get(f"{path}/22.png").status_code == 404
    assert client.get(f"{path}/2.png").status_code == 302
    assert desk.client.get(f"/guides/{PAIN}/pages/2.png").status_code == 200  # a preview shows it before it is saved
    assert client.get(f"/guides/{PAIN}/pages/2.png").location == f"/guides/{PAIN}"


def test_a_session_that_ended_loses_nothing(editor: Editor, app_client: Callable[[], FlaskClient]) -> None:
    answer = app_client().post(editor.path, data={**TEXT, "do": "save", "landing": ""})
    assert answer.status_code == 400
    assert "Nothing is lost" in readable(answer.text) and 'value="Some **words**."' in answer.text


@pytest.fixture
def app_client(client: FlaskClient) -> Callable[[], FlaskClient]:
    """Somebody who is not signed in."""
    return lambda: client
