"""The writers' folder: every text can be sent, and is as long as a text should be."""

import re
import tomllib
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from newsletter import brand, content
from newsletter.content import BadContent
from newsletter.guides import SHIPPED, Files
from newsletter.links import Signer
from newsletter.mail.render import Content, Reader, Renderer
from newsletter.sequences import Delay
from newsletter.sequences.delay import Unit
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
    files = Files(SHIPPED, SHIPPED)
    return Renderer(ROOT / "templates", Signer(b"k" * 40), "http://localhost:8000", "localhost", files.of)


def _words(path: Path) -> Content:
    head, body = content.read(path)
    return Content(head["subject"], head["preheader"], body)


@pytest.mark.parametrize("path", SERIES, ids=_named)
def test_a_mail_of_a_series_is_200_to_320_words_and_asks_for_one_thing(path: Path) -> None:
    _, body = content.read(path)
    prose = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\]\([^)]*\)", " ", body)
    assert 200 <= len([word for word in prose.split() if re.search(r"\w", word)]) <= 320
    assert body.count("## Do this today") == 1


@pytest.mark.parametrize("path", ARTICLES, ids=_named)
def test_the_head_is_whole(path: Path) -> None:
    head, _ = content.read(path)
    assert all(head.get(key) for key in ("title", "subject", "preheader", "slug", "topic"))
    assert head["topic"] in {one["name"] for one in SITE["topics"]}
    assert len(head["subject"]) <= 60 and len(head["preheader"]) <= 110
    assert re.fullmatch(r"[a-z0-9-]+", head["slug"])


def test_no_two_articles_share_a_slug() -> None:
    slugs = [content.read(path)[0]["slug"] for path in ARTICLES]
    assert len(set(slugs)) == len(slugs)


@pytest.mark.parametrize("guide", SITE["guides"], ids=lambda guide: guide["slug"])
def test_a_series_comes_on_days_1_2_4_and_7_and_then_weekly(guide: dict[str, Any]) -> None:
    delays = [Delay.parse(content.read(path)[0]["delay"]) for path in SERIES if path.parent.name == guide["slug"]]
    assert {one.unit for one in delays} == {Unit.DAYS}
    days = list(accumulate(one.amount for one in delays))
    assert days == [1, 2, 4, 7, *range(14, 14 + 7 * (len(days) - 4), 7)]


def _book(slug: str) -> PdfReader:
    return PdfReader(ROOT / "static" / "guides" / f"{slug}.pdf")


@lru_cache(2)
def _words_of_book(slug: str) -> str:
    pages = " ".join(page.extract_text() for page in _book(slug).pages)
    return " ".join(pages.replace("’", "'").split())


def _chapters(book: PdfReader) -> list[tuple[str, int]]:
    marks = [mark for mark in book.outline if not isinstance(mark, list)]
    return [(str(mark.title), (book.get_destination_page_number(mark) or 0) + 1) for mark in marks]


@pytest.mark.parametrize("path", SERIES, ids=_named)
def test_a_mail_names_a_page_of_the_guide_at_its_top_and_at_its_end(path: Path) -> None:
    """The chapter and the page stand in words, and the link opens that page."""
    _, body = content.read(path)
    links = list(re.finditer(r"\[“([^”]+)”, on page (\d+)\]\(\{\{ guide_pdf \}\}#page=(\d+)\)", body))
    assert len(links) == body.count("guide_pdf") >= 2
    above, below = body[: links[0].start()], body[links[-1].end() :]
    assert len(above.split()) < 15
    assert len(re.sub(r"\n\n\{\{ brand.author.*", "", below, flags=re.DOTALL).split()) < 25
    chapters = _chapters(_book(path.parent.name))
    for link in links:
        assert link[2] == link[3]
        assert [title for title, page in chapters if page <= int(link[2])][-1] == link[1]


@pytest.mark.parametrize("guide", SITE["guides"], ids=lambda guide: guide["slug"])
def test_a_guides_mail_begins_on_a_page_that_has_that_heading(guide: dict[str, Any]) -> None:
    assert (guide["begin"].strip("“”"), guide["begin_page"]) in _chapters(_book(guide["slug"]))
    assert guide["question"].endswith("?") and guide["question"].count("?") == 1


BOOKING = "https://book.example/a-talk"


def _of_series(slug: str) -> list[Path]:
    return [path for path in SERIES if path.parent.name == slug]


@pytest.mark.parametrize("slug", [guide["slug"] for guide in SITE["guides"]])
def test_a_quiet_postscript_from_the_second_mail_on_and_the_offer_once_in_the_last(
    slug: str, renderer: Renderer
) -> None:
    house = brand.from_site(SITE)
    house.booking = BOOKING
    seen = [
        renderer.rendered(Stream.STEP, house, Reader(5, {"first_name": "Jane"}, 7), _words(path), {"guide": slug})
        for path in _of_series(slug)
    ]
    assert [one.text.count(BOOKING) for one in seen] == [0] + [1] * (len(seen) - 1)
    assert [one.html.count(f'href="{BOOKING}"') for one in seen] == [0] + [1] * (len(seen) - 1)
    assert ["P.S." in one.text for one in seen] == [False] + [True] * (len(seen) - 2) + [False]
    assert [house.phone in one.text for one in seen] == [False] * (len(seen) - 1) + [True]
    assert [one.text.count("Can I help you?") for one in seen] == [0] * (len(seen) - 1) + [1]


@pytest.mark.parametrize("path", SERIES, ids=_named)
def test_without_a_booking_link_nothing_is_left_of_it(path: Path, renderer: Renderer) -> None:
    house = brand.from_site(SITE)
    house.booking = house.phone = ""
    seen = renderer.rendered(
        Stream.STEP, house, Reader(5, {"first_name": "Jane"}, 7), _words(path), {"guide": path.parent.name}
    )
    assert "P.S." not in seen.text and "choose a time" not in seen.text
    assert "<p></p>" not in seen.html and "call ." not in seen.text and "mail, ." not in seen.text


NUMBERS = {"three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}


@pytest.mark.parametrize("slug", [guide["slug"] for guide in SITE["guides"]])
def test_weeks_that_a_mail_counts_are_those_of_its_schedule(slug: str) -> None:
    """Counted from the guide, or from the first e-mail where it says so."""
    read = [content.read(path) for path in _of_series(slug)]
    days = list(accumulate(Delay.parse(head["delay"]).amount for head, _ in read))
    counted = 0
    for day, (head, body) in zip(days, read, strict=True):
        for found in re.finditer(r"about (\w+) weeks( since the first e-mail)?", body):
            assert NUMBERS[found[1]] == round((day - (days[0] if found[2] else 0)) / 7)
            counted += 1
        if opening := re.match(r"(\w+) weeks (?:on|in):", head["title"]):
            assert NUMBERS[opening[1].lower()] == day // 7
            counted += 1
    assert counted >= 2


@pytest.mark.parametrize("path", SERIES, ids=_named)
def test_a_mail_does_not_repeat_the_book(path: Path) -> None:
    """But for the safety rules, which read the same in every place."""
    _, body = content.read(path)
    rules = tomllib.loads((ROOT / "guides" / "safety.toml").read_text(encoding="utf-8"))
    shared = " ".join([*(light["do"] for light in rules["light"]), f"{rules['bone']['who']}, {rules['bone']['rule']}"])
    book = _words_of_book(path.parent.name)
    for line in re.sub(r"[*_]|\{\{.*?\}\}", "", body).replace("’", "'").splitlines():
        for sentence in re.split(r"(?<=[.!?:])\s+", line):
            if len(sentence.split()) >= 6 and sentence not in shared:
                assert sentence not in book, sentence


@pytest.mark.parametrize("path", ARTICLES, ids=_named)
def test_every_variable_can_be_filled_in(path: Path, renderer: Renderer) -> None:
    stream = Stream.STEP if path in SERIES else Stream.CAMPAIGN
    context = {"guide": path.parent.name} if path in SERIES else {}
    for name in ("Jane", ""):
        seen = renderer.rendered(
            stream, brand.from_site(SITE), Reader(5, {"first_name": name}, 7), _words(path), context
        )
        assert "{" not in seen.text and seen.subject
        assert seen.text.startswith("Hello Jane," if name else "Hello,")
        assert len(seen.html.encode()) < 100_000


@pytest.mark.parametrize("path", ARTICLES, ids=_named)
def test_every_article_can_stand_in_the_public_archive(path: Path, renderer: Renderer) -> None:
    page = renderer.article_page(_words(path), brand.from_site(SITE), "http://localhost:8000/guides/x")
    assert "Hello" not in page.html[:200]
    assert not re.search(r"/(library|preferences|unsubscribe|view)/", page.html)


@pytest.mark.parametrize("path", PAGES, ids=_named)
def test_a_page_asks_nobody_to_call_where_there_is_no_number(path: Path, renderer: Renderer) -> None:
    house = brand.from_site(SITE)
    _, body = content.read(path)
    assert ("call" in renderer.page(body, house)) == ("brand.phone" in body)
    house.phone = ""
    assert "call" not in renderer.page(body, house)


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


@pytest.mark.parametrize("path", [*ARTICLES, *PAGES], ids=_named)
def test_no_text_types_whom_the_practice_works_with(path: Path) -> None:
    """It is a fact of site.toml: `audience`, which the books read too."""
    audience = SITE["brand"]["audience"]
    for typed in (audience, audience.removeprefix("people ")):
        assert typed.lower() not in path.read_text(encoding="utf-8").lower()
        assert typed.replace(" ", "-") not in path.name + path.read_text(encoding="utf-8")


def test_whom_the_practice_works_with_comes_from_the_site_beside_the_folder(tmp_path: Path) -> None:
    file, site = tmp_path / "content" / "guides" / "page.md", tmp_path / "site.toml"
    file.parent.mkdir(parents=True)
    file.write_text("---\nfor: {{ audience }} in pain\ntitle: {{audience_short}}?\n---\nFor {{ audience }}, all.\n")
    assert content.read(file) == ({"for": "Adults in pain", "title": "Adults?"}, "For adults, all.\n")
    site.write_text('[brand]\naudience = "people over 60"\n')
    assert content.read(file) == ({"for": "People over 60 in pain", "title": "Over 60?"}, "For people over 60, all.\n")
    site.write_text('[brand]\naudience = "élite runners"\n')
    assert content.read(file) == (
        {"for": "Élite runners in pain", "title": "Élite runners?"},
        "For élite runners, all.\n",
    )
    site.write_text('[brand]\naudience = ""\n')
    assert content.read(file)[1] == "For adults, all.\n"


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text("---\ntitle: One\n---\nbody\n")
    assert content.read(file) == ({"title": "One"}, "body\n")
    file.write_text("---\ntitle: Two: more\n---\n---\n")
    assert content.read(file)[0] == {"title": "Two: more"}
