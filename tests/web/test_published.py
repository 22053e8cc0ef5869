"""One bad article takes neither the archive nor the feed down: it is left out, and the owner is told."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from newsletter import articles, content, topics
from newsletter.articles import Article, Revision
from newsletter.brand import Brand
from newsletter.mail.render import BadArticle, Renderer
from newsletter.runtime import Runtime
from newsletter.settings import ROOT
from newsletter.web import cards, public, published
from newsletter.web.feed import atom
from tests.conftest import NOON
from tests.web.conftest import FIFTY, Visitor

OLD = ["{{ brand.registry.mappers }}", "{% for x in y %}{% endfor %}", "{{ frist_name }}", "[x]({{ first_name }})"]


@pytest.fixture
def publish(runtime: Runtime) -> Callable[..., str]:
    """Puts a text into the archive, as an older version may have stored it, and gives its slug."""

    def made(title: str, body: str) -> str:
        with runtime.database.transaction() as session:
            article = articles.write(session, NOON, title="An article", subject="s", body="x")
            article.publish(NOON)
            session.flush()
            session.execute(update(Article).where(Article.id == article.id).values(title=title))
            session.execute(update(Revision).where(Revision.article_id == article.id).values(body=body))
            return article.slug

    return made


@pytest.mark.parametrize("body", OLD)
def test_a_bad_article_is_left_out_and_the_others_are_there(
    body: str, publish: Callable[..., str], visitor: Visitor
) -> None:
    good, bad = publish("The good one", "{{ greeting }}, fine."), publish("The bad one", body)
    feed = ElementTree.fromstring(visitor.get("/feed.xml").data)
    titles = [entry.findtext("{*}title") for entry in feed.findall("{*}entry")]
    assert "The good one" in titles and "The bad one" not in titles
    for page in ("/", "/archive"):
        assert "The good one" in visitor.get(page).text and "The bad one" not in visitor.get(page).text
    assert visitor.get(f"/archive/{good}").status_code == 200
    answer = visitor.get(f"/archive/{bad}")
    assert answer.status_code == 503 and "Whoever runs this site sees that" in answer.text


@pytest.mark.parametrize("bad", ["\x0b", "\x00", "\x1f", "\ufffe", "\x7f\x85"])
def test_a_control_character_in_a_title_or_text_leaves_the_feed_well_formed(
    bad: str, publish: Callable[..., str], visitor: Visitor, runtime: Runtime
) -> None:
    if bad == "\x00" and runtime.database.engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL stores no zero byte")
    publish(f"One{bad}two", f"Three{bad}four")
    feed = ElementTree.fromstring(visitor.get("/feed.xml").data)
    assert any((entry.findtext("{*}title") or "").startswith("One") for entry in feed.findall("{*}entry"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters()), st.text(st.characters()), st.text(st.characters()))
def test_no_text_makes_the_feed_ill_formed(title: str, html: str, name: str) -> None:
    article = Article(slug="a/b", created_at=NOON, updated_at=NOON, published_at=NOON)
    article.__dict__["title"] = title  # as an older version stored it
    article.__dict__["newest"] = Revision(preheader=title)
    house = Brand(id=1, author="")
    house.__dict__["name"] = name
    feed = ElementTree.fromstring(atom(house, "https://example.org", [(article, html)], NOON))
    assert len(feed.findall("{*}entry")) == 1


def test_the_feed_sums_an_article_up_unless_that_speaks_to_one_reader(visitor: Visitor, runtime: Runtime) -> None:
    preheaders = {"For all": "Rest & <b>walk</b>", "For one": "{{ first_name }}, rest", "Without": ""}
    with runtime.database.transaction() as session:
        for title, preheader in preheaders.items():
            articles.write(session, NOON, title=title, subject="S", body="Words.", preheader=preheader).publish(NOON)
    feed = ElementTree.fromstring(visitor.get("/feed.xml").data)
    entries = {entry.findtext("{*}title"): entry for entry in feed.findall("{*}entry")}
    found = {title: [one.text for one in entries[title].findall("{*}summary")] for title in preheaders}
    assert found == {
        "For all": ["Rest & <b>walk</b>"],
        "For one": [],
        "Without": [],
    }  # RFC 4287: plain text, once at most
    assert all("Words." in (entries[title].findtext("{*}content") or "") for title in preheaders)


def test_every_text_of_the_folder_can_be_put_together(renderer_of: Renderer, runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        house = session.get_one(Brand, 1)
        for name in ("privacy", "cookies", "terms"):
            _, body = content.read(ROOT / "content" / "pages" / f"{name}.md")
            assert house.email in renderer_of.page(body, house)


@pytest.fixture
def renderer_of(runtime: Runtime) -> Renderer:
    """The product's renderer."""
    return runtime.renderer


@pytest.mark.parametrize("code", ["{{ brand.metadata }}", "{{ first_name }}", "{{ config }}", "{% include 'x' %}"])
def test_a_page_names_the_brand_and_nothing_else(code: str, renderer_of: Renderer, runtime: Runtime) -> None:
    with runtime.database.reading() as session, pytest.raises(BadArticle):
        renderer_of.page(code, session.get_one(Brand, 1))


@pytest.mark.parametrize(
    "file",
    [b"no front matter", b"---\nsample_pages: 1, \xc2\xb2\nminutes: \xc2\xb2\n---\ntext\n",
     b"---\ntitle: Caf\xe9\n---\n", b"---\nupdated: soon\n---\ntext\n", b""],
)  # fmt: skip
def test_a_file_of_the_folder_that_is_spoilt_takes_nothing_else_down(
    file: bytes, visitor: Visitor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for place in ("guides", "pages"):
        (tmp_path / "content" / place).mkdir(parents=True)
    for path in (f"guides/{FIFTY}.md", "pages/privacy.md"):
        (tmp_path / "content" / path).write_bytes(file)
    for module in (cards, public):
        monkeypatch.setattr(module, "CONTENT", tmp_path / "content")
    page = visitor.get(f"/guides/{FIFTY}")
    assert page.status_code == 200 and 'name="email"' in page.text
    assert visitor.get(f"/guides/{FIFTY}/pages/1.png").status_code == 200
    assert visitor.get("/privacy").status_code in (200, 503)


def test_a_bad_text_on_a_guides_page_leaves_its_box(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    read = content.read
    monkeypatch.setattr(content, "read", lambda path: (read(path)[0], "{{ brand.metadata }}"))
    page = visitor.get(f"/guides/{FIFTY}")
    assert page.status_code == 200 and 'name="email"' in page.text
    assert visitor.get("/privacy").status_code == 503


def test_the_archive_and_the_feed_of_a_topic_hold_its_articles_and_no_others(visitor: Visitor) -> None:
    page = visitor.get("/topics/training").text
    assert "Why you&#39;re not getting stronger" in page
    assert "waking up in pain" not in page
    feed = ElementTree.fromstring(visitor.get("/topics/training/feed.xml").data)
    titles = [entry.findtext("{*}title") or "" for entry in feed.findall("{*}entry")]
    assert titles and not any("waking" in title for title in titles)
    assert feed.findtext("{*}title") == "Human Movement: Training"
    assert [link.get("href") for link in feed.findall("{*}link")] == [
        "http://localhost:8000/topics/training/feed.xml", "http://localhost:8000/topics/training",
    ]  # fmt: skip
    nowhere = ("/archive?topic=Nothing", "/feed.xml?topic=%00", "/topics/nothing", "/topics/%00", "/topics/x/feed.xml")
    assert [visitor.get(path).status_code for path in nowhere] == [404] * 5


def test_the_addresses_that_a_topic_had_lead_to_its_page(visitor: Visitor, runtime: Runtime) -> None:
    before = ElementTree.fromstring(visitor.get("/topics/training/feed.xml").data).findtext("{*}id")
    with runtime.database.transaction() as session:
        training = topics.by_slug(session, "training")
        assert training is not None
        topics.change(session, training, name="Strength & you", slug="strength")
    for path in ("/topics/training", "/archive?topic=Strength+%26+you"):
        answer = visitor.get(path)
        assert (answer.status_code, answer.location) == (301, "/topics/strength")
    for path in ("/topics/training/feed.xml", "/feed.xml?topic=Strength+%26+you"):
        answer = visitor.get(path)
        assert (answer.status_code, answer.location) == (301, "/topics/strength/feed.xml")
    assert "<h1>Strength &amp; you</h1>" in visitor.get("/topics/strength").text
    feed = ElementTree.fromstring(visitor.get("/topics/strength/feed.xml").data)
    assert feed.findtext("{*}id") == before, "a reader's program knows the feed by it"
    assert "/topics/strength" in visitor.get("/sitemap.xml").text


def test_who_has_the_feed_already_is_told_so_in_a_few_octets(visitor: Visitor) -> None:
    first = visitor.get("/feed.xml")
    again = visitor.browser.get("/feed.xml", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_line_that_speaks_to_one_reader_is_no_summary(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        mine, everybodys = (
            articles.write(session, NOON, title="T", subject="S", body="B", preheader=line)
            for line in ("For you, {{ first_name }}", "On walking")
        )
        assert (published.summary(mine), published.summary(everybodys)) == ("", "On walking")
