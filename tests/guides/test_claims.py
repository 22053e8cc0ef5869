"""The ledger of claims: each citation of a book has an entry, each entry stands in a book, and the books show it."""

import re
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from tests.guides.conftest import ROOT, SITE, load_script

GUIDES = ROOT / "guides"
BOOKS = sorted(path.parent.name for path in GUIDES.glob("*/main.typ"))
_READ = tomllib.loads((GUIDES / "claims.toml").read_text(encoding="utf-8"))
LEDGER: list[dict[str, Any]] = _READ["claims"]
MAILS: list[dict[str, Any]] = _READ["mails"]
CITATION = re.compile(r"@([a-z][\w-]*\d{4}[\w-]*|nice-ng\d+)")


def _prose(chapter: str) -> str:
    """A chapter on one line, its citations kept and its marks of emphasis dropped."""
    return re.sub(r"\s+", " ", re.sub(r"[*_]", "", (GUIDES / chapter).read_text(encoding="utf-8")))


def _chapters(book: str, file: str = "main.typ") -> Iterator[str]:
    """The chapters of a book in its order."""
    for name in re.findall(r'#include "([^"]+)"', (GUIDES / book / file).read_text(encoding="utf-8")):
        yield f"{book}/{name}"
        yield from _chapters(book, name)


def _citations(book: str) -> Iterator[tuple[str, str, str]]:
    """(chapter, source, the words before it) of every citation in a book, in its order."""
    for chapter in _chapters(book):
        prose = _prose(chapter)
        for found in CITATION.finditer(prose):
            yield chapter, found[1], re.sub(r"( ?@[\w-]+)+ ?$", "", prose[: found.start()]).rstrip()


def _pages(path: Path) -> list[str]:
    """The text of each page."""
    document = pypdfium2.PdfDocument(path)
    try:
        return [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()


def _sources() -> set[str]:
    files = [GUIDES / "references.yml", *GUIDES.glob("*/references.yml")]
    return {key for file in files for key in re.findall(r"^([\w-]+):", file.read_text(encoding="utf-8"), re.MULTILINE)}


@pytest.mark.parametrize("claim", LEDGER + MAILS, ids=lambda claim: f"{claim['source']}: {claim['words'][-30:]}")
def test_a_claim_is_whole(claim: dict[str, Any]) -> None:
    assert "file" in claim or claim["source"] in _sources()
    assert claim["strength"] in {"strong", "fair", "thin"}
    assert claim["read"] in {"text", "abstract", "part", "summary", "none"}
    assert claim["checked"]
    assert claim["says"]
    assert claim["read"] != "none" or claim["strength"] == "thin", "what nobody has read is no more than thin"
    assert claim["read"] != "part" or claim["strength"] != "strong"


@pytest.mark.parametrize("book", BOOKS)
def test_ledger_and_book_hold_the_same_citations_in_the_same_order(book: str) -> None:
    """The order counts: the n-th citation of a source in a book is marked with the strength of its n-th claim."""
    cited = list(_citations(book))
    claims = [one for one in LEDGER if one["chapter"].startswith(f"{book}/")]
    assert [(chapter, source) for chapter, source, _ in cited] == [(one["chapter"], one["source"]) for one in claims]
    for (_, _, before), claim in zip(cited, claims, strict=True):
        assert before.endswith(claim["words"])


def test_every_chapter_is_in_a_book() -> None:
    read = {chapter for book in BOOKS for chapter in _chapters(book)}
    cited = {
        f"{path.parent.name}/{path.name}"
        for path in GUIDES.glob("*/*.typ")
        if CITATION.search(path.read_text(encoding="utf-8"))
    }
    assert cited <= read
    assert {claim["chapter"] for claim in LEDGER} <= read


@pytest.mark.parametrize("book", BOOKS)
def test_each_citation_carries_its_strength_in_the_book(book: str) -> None:
    pages = " ".join(_pages(ROOT / "static" / "guides" / f"{book}.pdf"))
    shown = Counter(re.findall(r"\d\s*(strong|fair|thin)(?![a-z])", pages))
    claims = [one["strength"] for one in LEDGER if one["chapter"].startswith(f"{book}/")]
    assert shown == Counter(claims)


@pytest.mark.parametrize("book", BOOKS)
def test_the_marks_are_explained_once(book: str) -> None:
    chapters = [path.read_text(encoding="utf-8") for path in sorted(GUIDES.glob(f"{book}/*.typ"))]
    assert sum(text.count("#strength-legend") for text in chapters) == 1


def test_no_text_puts_a_claim_about_a_branded_method() -> None:
    """The practice's methods come from site.toml, by name and with nothing said about how they work."""
    named = tomllib.loads((ROOT / "site.toml").read_text(encoding="utf-8"))["brand"]["methods"]
    branded = [one for one in named if one.istitle()]
    places = {"guides": "*.typ", "content": "*.md", "templates": "*.html"}
    texts = [path for folder, kind in places.items() for path in (ROOT / folder).rglob(kind)]
    assert branded
    for path in texts:
        said = path.read_text(encoding="utf-8")
        assert not [one for one in branded if one in said], path


NAMED = re.compile(r"([A-Z]\w+(?: College| guideline)?)[^;.]*?((?:19|20)\d\d)")
OTHERWISE = {
    "American College 2026": "acsm2026",
    "NICE guideline 2020": "nice-ng59",
    "Brooke 2022": "brooke-wavell2022",
}


def test_every_source_that_a_mail_names_is_in_the_ledger() -> None:
    texts = [*(ROOT / "content" / "series").rglob("*.md"), ROOT / "content" / "welcome.md"]
    cited = {claim["source"] for claim in LEDGER}
    named = 0
    for path in texts:
        last = re.search(r"^\*Sources?(?: for [^:]+)?: (.+)\*$", path.read_text(encoding="utf-8"), re.MULTILINE)
        for who, year in NAMED.findall(last[1]) if last else ():
            own = [
                one for one in MAILS if one["file"] == str(path.relative_to(ROOT)) and one["source"] == f"{who} {year}"
            ]
            assert own or OTHERWISE.get(f"{who} {year}", f"{who.lower()}{year}") in cited, (path.name, who, year)
            named += 1
    assert named > 15


@pytest.mark.parametrize("claim", MAILS, ids=lambda claim: claim["source"])
def test_what_the_ledger_quotes_of_a_mail_stands_in_it(claim: dict[str, Any]) -> None:
    assert claim["words"] in (ROOT / claim["file"]).read_text(encoding="utf-8")


def test_the_ledger_prints_with_its_pages(book_path: Path, guide: dict[str, Any]) -> None:
    """For a clinician who checks an edition: each claim beside the page that it stands on."""
    script = load_script("claims")
    with tempfile.TemporaryDirectory() as fonts:
        script.collect_fonts(Path(fonts))
        rows = list(script.paged(guide["slug"], SITE, Path(fonts)))
    assert len(rows) == sum(one["chapter"].startswith(guide["slug"]) for one in LEDGER)
    pages = [_letters(page) for page in _pages(book_path)]
    for page, claim in rows:
        assert _letters(" ".join(claim["words"].split()[-2:])) in pages[page - 1], claim["words"]


def _letters(words: str) -> str:
    """Letters and figures alone: a page breaks a word at its hyphen, and turns quotation marks."""
    return re.sub(r"[\W_]", "", words)
