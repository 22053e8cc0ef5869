"""The phone edition: the same book as HTML, fit for a page of the product."""

import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pypdf
import pytest

from tests.guides.conftest import ROOT, load_script
from tests.guides.test_guide_books import tags

VOID = {"input", "br", "hr", "img", "path", "use", "circle", "meta", "link", "rect"}


class Outline(HTMLParser):
    """Headings with their level, ids, pictures, links, and what is wrong with the nesting."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.labels: list[str] = []
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        seen = dict(attrs)
        self.attributes |= {name for name, _ in attrs}
        if seen.get("id"):
            self.ids[str(seen["id"])] += 1
        if tag == "a" and seen.get("href"):
            self.links.append(str(seen["href"]))
        if seen.get("role") == "img":
            self.labels.append(str(seen.get("aria-label") or ""))
        if re.fullmatch(r"h\d", tag):
            self.headings.append((int(tag[1]), ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and re.fullmatch(r"h\d", self.open[-1]):
            level, words = self.headings[-1]
            self.headings[-1] = (level, words + data)


@pytest.fixture(scope="module")
def phone_script() -> ModuleType:
    return load_script("phone")


@pytest.fixture
def page(guide: dict[str, Any]) -> str:
    return (ROOT / "static" / "guides" / guide["slug"] / "read.html").read_text(encoding="utf-8")


@pytest.fixture
def outline(page: str) -> Outline:
    return Outline(page)


def test_has_one_title_and_headings_that_skip_no_level(outline: Outline, guide: dict[str, Any]) -> None:
    levels = [level for level, _ in outline.headings]
    assert outline.headings[0] == (1, guide["title"])
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert outline.open == []


def test_has_every_chapter_of_the_printed_book_in_its_order(outline: Outline, book: pypdf.PdfReader) -> None:
    printed = [str(mark.title) for mark in book.outline if not isinstance(mark, list)]
    assert [words for level, words in outline.headings if level == 2 and words in printed] == printed


def test_has_every_picture_of_the_printed_book_with_its_words(outline: Outline, book_path: Path) -> None:
    with pypdf.PdfReader(book_path) as book:
        printed = {str(tag["/Alt"]) for tag in tags(book) if tag["/S"] == "/Figure" and "/Alt" in tag}
    assert printed == set(outline.labels)
    assert len(printed) > 10


def test_ids_are_unique_and_links_inside_lead_somewhere(outline: Outline) -> None:
    assert [name for name, count in outline.ids.items() if count > 1] == []
    inside = [link[1:] for link in outline.links if link.startswith("#")]
    assert len(inside) > 20
    assert set(inside) <= set(outline.ids)


def test_nothing_in_it_needs_a_looser_policy(outline: Outline, page: str) -> None:
    """No style of its own, no script, nothing from elsewhere: the page's policy would refuse it."""
    assert not {name for name in outline.attributes if name == "style" or name.startswith("on")}
    assert not re.search(r"<(script|style|link|iframe|img)\b", page)


def test_says_no_page_number_of_the_printed_book(page: str) -> None:
    words = re.sub(r"<[^>]+>", " ", page)
    assert not re.search(r"\b(on|\() ?page \d+", words)


def test_says_the_same_as_the_printed_book(page: str, book: pypdf.PdfReader) -> None:
    """Sentence by sentence, but for page numbers and what only paper or only a phone says."""
    flat = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    words = re.findall(r"[a-z]{4,}", flat.lower())
    printed = re.findall(r"[a-z]{4,}", " ".join(one.extract_text() for one in book.pages).lower())
    missing = set(printed) - set(words)
    assert len(missing) <= 12, missing


def test_rows_have_headers(page: str) -> None:
    bodies = re.findall(r"<tbody>(.*?)</tbody>", page, re.DOTALL)
    assert bodies
    rows = [row for body in bodies for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)]
    assert all(row.startswith("<th") for row in rows)


def test_weighs_little_enough_for_a_phone(page: str) -> None:
    assert len(page.encode()) < 1_200_000


def test_drawings_are_shortened_and_styles_dropped(phone_script: ModuleType) -> None:
    made = phone_script.fit(
        '<html><body><p style="x">a</p><svg style="y" viewBox="0 0 1 1"><path d="M 1.23456 7"/></svg>'
        "<table><thead><tr><th>A</th></tr></thead><tbody><tr><td>b</td><td>c</td></tr></tbody></table></body></html>",
        "#0f5f63",
    )
    assert made == (
        '<p>a</p><svg aria-hidden="true" viewBox="0 0 1 1"><path d="M 1.23 7"/></svg>'
        '<table><thead><tr><th scope="col">A</th></tr></thead>'
        '<tbody><tr><th scope="row">b</th><td>c</td></tr></tbody></table>\n'
    )


def test_drawings_are_painted_in_the_colours_of_the_page(page: str) -> None:
    """So the words of a page and its drawings have one palette, by day and by night."""
    painted = set(re.findall(r'\b(?:fill|stroke)="([^"]+)"', page))
    named = {one for one in painted if re.fullmatch(r"var\(--[a-z]+, #[0-9a-f]{6}\)", one)}
    assert painted - named == {"none"}
    style = (ROOT / "static" / "css" / "book.css").read_text(encoding="utf-8")
    site = (ROOT / "static" / "css" / "site.css").read_text(encoding="utf-8")
    for name in {re.findall(r"--[a-z]+", one)[0] for one in named}:
        assert (style + site).count(f" {name}: #") == 2, name  # by day and by night


@pytest.mark.parametrize(
    ("colour", "made"),
    [
        ("#8a3b12", 'fill="var(--accent, #8a3b12)"'),
        ("#a16241", 'fill="var(--accent, #8a3b12)" fill-opacity="0.8"'),
        ("#ffffff", 'fill="var(--paper, #ffffff)"'),
        ("#123456", 'fill="#123456"'),
    ],
)
def test_a_shade_of_the_accent_is_the_accent_with_its_opacity(phone_script: ModuleType, colour: str, made: str) -> None:
    assert phone_script.painted("fill", colour, "#8a3b12") == made
