"""The writers' folder: every text can be sent, and is as long as a text should be."""

import re
from pathlib import Path

import pytest

from newsletter import brand, content
from newsletter.articles import Topic
from newsletter.content import BadContent
from newsletter.links import Signer
from newsletter.mail.render import Reader, Renderer, Words
from newsletter.sequences import Delay
from newsletter.settings import ROOT
from newsletter.subscribers import Stream

SERIES = sorted((ROOT / "content" / "series").glob("*/*.md"))
ARTICLES = [*SERIES, ROOT / "content" / "welcome.md"]
PAGES = sorted((ROOT / "content" / "pages").glob("*.md")) + sorted((ROOT / "content" / "guides").glob("*.md"))
SITE = brand.read_site(ROOT / "site.toml")


def _named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(ROOT / "templates", Signer(b"k" * 40), "http://localhost:8000", "localhost", ROOT / "static/guides")


def _words(path: Path) -> Words:
    head, body = content.read(path)
    return Words(head["subject"], head["preheader"], body)


@pytest.mark.parametrize("path", SERIES, ids=_named)
def test_an_article_of_a_series_is_350_to_700_words(path: Path) -> None:
    _, body = content.read(path)
    assert 350 <= len(re.findall(r"\w[\w'’-]*", body)) <= 800
    assert 350 <= len([word for word in body.split() if re.search(r"\w", word)]) <= 700


@pytest.mark.parametrize("path", ARTICLES, ids=_named)
def test_the_head_is_whole(path: Path) -> None:
    head, _ = content.read(path)
    assert all(head.get(key) for key in ("title", "subject", "preheader", "slug", "topic"))
    assert Topic(head["topic"])
    assert len(head["subject"]) <= 60 and len(head["preheader"]) <= 110
    assert re.fullmatch(r"[a-z0-9-]+", head["slug"])


def test_no_two_articles_share_a_slug() -> None:
    slugs = [content.read(path)[0]["slug"] for path in ARTICLES]
    assert len(set(slugs)) == len(slugs)


@pytest.mark.parametrize("path", SERIES, ids=_named)
def test_every_step_says_when_it_comes(path: Path) -> None:
    assert Delay.parse(content.read(path)[0]["delay"]).amount >= 1


@pytest.mark.parametrize("path", ARTICLES, ids=_named)
def test_every_variable_can_be_filled_in(path: Path, renderer: Renderer) -> None:
    stream = Stream.STEP if path in SERIES else Stream.CAMPAIGN
    context = {"guide": path.parent.name} if path in SERIES else {}
    for name in ("Jane", ""):
        seen = renderer.rendered(stream, brand.from_site(SITE), Reader(5, name, 7), _words(path), context)
        assert "{" not in seen.text and seen.subject
        assert seen.text.startswith("Hello Jane," if name else "Hello,")
        assert len(seen.html.encode()) < 100_000


@pytest.mark.parametrize("path", ARTICLES, ids=_named)
def test_every_article_can_stand_in_the_public_archive(path: Path, renderer: Renderer) -> None:
    page = renderer.article_page(_words(path), brand.from_site(SITE), "http://localhost:8000/guides/x")
    assert "Hello" not in page.html[:200]
    assert not re.search(r"/(library|preferences|unsubscribe|view)/", page.html)


@pytest.mark.parametrize("path", PAGES, ids=_named)
def test_pages_have_a_head_and_no_raw_html(path: Path) -> None:
    head, body = content.read(path)
    assert head.get("title") or head.get("lead")
    assert not re.search(r"<[a-z]", body)


def test_every_page_a_guide_shows_is_in_its_file() -> None:
    for guide in SITE["guides"]:
        head, _ = content.read(ROOT / "content" / "guides" / f"{guide['slug']}.md")
        samples = [int(page) for page in head["sample_pages"].split(",")]
        assert all(1 < page <= guide["pages"] for page in samples)


@pytest.mark.parametrize("text", ["no head", "\n---\n", "x\n---\na: b\n---\nbody", "---\na: b\n"])
def test_a_file_without_front_matter_is_told_by_name(text: str, tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_text(text)
    with pytest.raises(BadContent, match=r"bad\.md"):
        content.read(tmp_path / "bad.md")


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text("---\ntitle: One\n---\nbody\n")
    assert content.read(file) == ({"title": "One"}, "body\n")
    file.write_text("---\ntitle: Two: more\n---\n---\n")
    assert content.read(file)[0] == {"title": "Two: more"}
